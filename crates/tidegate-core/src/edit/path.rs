//! The path that a server sees: segments taken off, and what an expression makes of the rest.
//!
//! Both read the canonical path, slashes merged, and what comes out must be canonical again: a
//! rewrite that puts a dot segment or a half escape together is refused, never repaired.

use super::error::EditError;
use super::facts::Editor;
use crate::http::head::Head;
use crate::model::edit::{RequestEdits, Rewrite, RewritePart};

/// Edits the path. The asterisk form is none.
pub(super) fn edit(
    edits: &RequestEdits,
    head: &mut Head,
    editor: &mut Editor,
) -> Result<(), EditError> {
    if !head.path().starts_with('/') {
        return Ok(());
    }
    if let Some(prefix) = &edits.strip_prefix {
        head.strip_path_prefix(prefix);
    }
    if let Some(rewrite) = &edits.rewrite {
        editor.clear();
        if rewrite.render(head.path(), &mut editor.text) {
            if editor.text.len() > EditError::VALUE_BYTES_MAX {
                return Err(EditError::TooLong);
            }
            head.replace_path(&editor.text)?;
        }
    }
    Ok(())
}

impl Rewrite {
    /// Appends what a path becomes; false when the expression does not take it.
    fn render(&self, path: &str, out: &mut Vec<u8>) -> bool {
        let Some(groups) = self.regex.captures(path) else { return false };
        for part in &self.to {
            let text = match part {
                RewritePart::Literal(text) => text,
                RewritePart::Group(group) => groups.get(*group).map_or("", |text| text.as_str()),
            };
            out.extend_from_slice(text.as_bytes());
        }
        true
    }
}
