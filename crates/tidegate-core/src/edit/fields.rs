//! Fields of a head, set and removed.
//!
//! All values are rendered before the first field changes, so that their order says nothing: a
//! value may come from a field that goes.

use super::error::EditError;
use super::facts::Editor;
use super::template::Sight;
use crate::http::edit::ChangeError;
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::model::edit::FieldEdits;

/// A head whose fields can be changed.
pub(super) trait Fields {
    fn remove_field(&mut self, name: &str);
    fn set_field(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError>;
    fn settle_connection(&mut self);
}

impl Fields for Head {
    fn remove_field(&mut self, name: &str) {
        self.remove_field(name);
    }

    fn set_field(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        self.set_field(name, value)
    }

    fn settle_connection(&mut self) {
        self.settle_connection();
    }
}

impl Fields for ReplyHead {
    fn remove_field(&mut self, name: &str) {
        self.remove_field(name);
    }

    fn set_field(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        self.set_field(name, value)
    }

    fn settle_connection(&mut self) {
        self.settle_connection();
    }
}

impl FieldEdits {
    /// Renders the values, in order.
    pub(super) fn render(&self, sight: &Sight<'_>, editor: &mut Editor) -> Result<(), EditError> {
        editor.clear();
        for (_, value) in &self.set {
            value.render(sight, &mut editor.text)?;
            editor.ends.push(editor.text.len());
        }
        Ok(())
    }

    /// Removes and sets the fields, to what was rendered last.
    pub(super) fn apply(&self, head: &mut impl Fields, editor: &Editor) -> Result<(), EditError> {
        if !self.set.is_empty() {
            head.settle_connection();
        }
        for name in &self.remove {
            head.remove_field(name);
        }
        let mut start = 0;
        for ((name, _), end) in self.set.iter().zip(&editor.ends) {
            head.set_field(name, &editor.text[start..*end])?;
            start = *end;
        }
        Ok(())
    }
}
