//! Fields of a head, set and removed.
//!
//! All values are rendered before the first field changes, so that their order says nothing: a
//! value may come from a field that goes.

use super::error::EditError;
use super::facts::Editor;
use super::template::Sight;
use crate::http::edit::FieldsMut;
use crate::model::edit::FieldEdits;

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
    pub(super) fn apply(
        &self,
        mut fields: FieldsMut<'_>,
        editor: &Editor,
    ) -> Result<(), EditError> {
        if !self.set.is_empty() {
            fields.settle_connection();
        }
        for name in &self.remove {
            fields.remove(name);
        }
        let mut start = 0;
        for ((name, _), end) in self.set.iter().zip(&editor.ends) {
            fields.set(name, &editor.text[start..*end])?;
            start = *end;
        }
        Ok(())
    }
}
