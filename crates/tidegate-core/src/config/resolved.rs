//! The whole configuration as TOML, each value followed by where it comes from.
//!
//! Printed from the completed tree, so it shows exactly what was checked: what is written, what is
//! inherited and what is a default. Keys that are absent, and what that means, are comments.

use std::fmt::Write as _;

use super::keys::key::{Default, Key, Kind, Section};
use super::keys::root::ROOT;
use super::position::{At, Files};
use super::raw::tree::{Data, Origin, Table, Value, quote, quote_key};

/// Prints the completed tree.
pub(crate) fn print(tree: &Table, files: &Files) -> String {
    let mut page = Page { text: String::new(), files };
    page.keys(&ROOT, tree);
    page.tables(&ROOT, tree, "");
    page.text
}

struct Page<'a> {
    text: String,
    files: &'a Files,
}

impl Page<'_> {
    /// The keys of a table that are not tables themselves: TOML wants them first.
    fn keys(&mut self, section: &Section, table: &Table) {
        for key in section.keys.iter().filter(|key| !is_table(key)) {
            // Includes are joined, and defaults laid under their objects, by the time there is
            // something to print.
            if key.name == "include" {
                continue;
            }
            match table.value(key.name) {
                Some(value) => self.value(key, value),
                None => self.absent(key, &format!("# {}", key.name)),
            }
        }
    }

    fn value(&mut self, key: &Key, value: &Value) {
        if has_fault(value) {
            return;
        }
        let name = key.name;
        match (&key.kind, &value.data) {
            // One server a line: each may come from a line of its own.
            (Kind::List(Kind::Shorthand(_) | Kind::Table(_)), Data::List(items))
                if !items.is_empty() =>
            {
                self.write(format_args!("{name} = [\n"));
                for item in items {
                    let origin = self.origin(item);
                    self.write(format_args!("  {},  # {origin}\n", literal(item)));
                }
                self.write(format_args!("]\n"));
            }
            _ => {
                let origin = self.origin(value);
                self.write(format_args!("{name} = {}  # {origin}\n", literal(value)));
            }
        }
    }

    /// Tells what it means that a key is absent, after `start`.
    fn absent(&mut self, key: &Key, start: &str) {
        if let Default::Absent(meaning) = key.default
            && key.only.is_none()
        {
            self.write(format_args!("{start}: {meaning}\n"));
        }
    }

    fn tables(&mut self, section: &Section, table: &Table, above: &str) {
        for key in section.keys.iter().filter(|key| is_table(key)) {
            let name = format!("{above}{}", key.name);
            match (&key.kind, table.value(key.name).map(|value| &value.data)) {
                (Kind::Objects(section), Some(Data::Table(objects))) => {
                    for (object, entry) in objects.iter() {
                        if let Some(table) = entry.value.table() {
                            let name = format!("{name}.{}", quote_key(object));
                            self.table(section, table, &name, '\n');
                        }
                    }
                }
                (Kind::Tables(section), Some(Data::List(items))) => {
                    for table in items.iter().filter_map(Value::table) {
                        self.tables_item(section, table, &name);
                    }
                }
                (Kind::Table(section), Some(Data::Table(table))) => {
                    self.table(section, table, &name, '\n');
                }
                (_, None) if key.name != "default" => self.absent(key, &format!("\n# {name}")),
                _ => {}
            }
        }
    }

    fn table(&mut self, section: &Section, table: &Table, name: &str, before: char) {
        self.write(format_args!("{before}[{name}]\n"));
        self.keys(section, table);
        self.tables(section, table, &format!("{name}."));
    }

    /// One of several tables of a name; tables in it belong to it.
    fn tables_item(&mut self, section: &Section, table: &Table, name: &str) {
        self.write(format_args!("\n[[{name}]]\n"));
        self.keys(section, table);
        self.tables(section, table, &format!("{name}."));
    }

    fn origin(&self, value: &Value) -> String {
        match value.origin {
            Origin::Written(at) => self.place(at),
            Origin::Inherited(at) => format!("{} (inherited)", self.place(at)),
            Origin::Default => "default".to_owned(),
        }
    }

    /// A comment ends with its line, whatever the file is called.
    fn place(&self, at: At) -> String {
        self.files.place(at).replace(char::is_control, "?")
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("writing to a string does not fail");
    }
}

/// Whether a key is printed under a header of its own.
const fn is_table(key: &Key) -> bool {
    matches!(key.kind, Kind::Table(_) | Kind::Tables(_) | Kind::Objects(_) | Kind::Defaults(_))
}

fn has_fault(value: &Value) -> bool {
    match &value.data {
        Data::Faulty | Data::Date(_) => true,
        Data::List(items) => items.iter().any(has_fault),
        Data::Table(table) => table.iter().any(|(_, entry)| has_fault(&entry.value)),
        _ => false,
    }
}

/// A value as TOML writes it, on one line.
fn literal(value: &Value) -> String {
    match &value.data {
        Data::Text(text) => quote(text),
        Data::Integer(number) => number.to_string(),
        // With a point, so that it stays a float.
        Data::Number(number) => format!("{number:?}"),
        Data::Flag(flag) => flag.to_string(),
        Data::List(items) => {
            let items: Vec<_> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Table(table) => {
            let entry = |(key, entry): (&str, &super::raw::tree::Entry)| {
                format!("{} = {}", quote_key(key), literal(&entry.value))
            };
            let entries: Vec<_> = table.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Data::Date(_) | Data::Faulty => String::new(),
    }
}
