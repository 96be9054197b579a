//! Pages for errors, read with the configuration.
//!
//! Each file is read once, however many routes inherit it, and all together are bounded.

use std::collections::BTreeMap;
use std::path::{Path as File, PathBuf};
use std::sync::Arc;

use super::whole::Site;
use crate::config::load::Source;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table};
use crate::config::text::{place, size, status};
use crate::model::edit::{ErrorPages, Page};

/// Bytes of one page.
pub(crate) const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of all pages of a configuration.
const ALL_BYTES_MAX: usize = 64 << 20;

/// The pages that were read.
pub(crate) struct Pages<'a> {
    source: &'a mut dyn Source,
    read: BTreeMap<PathBuf, Result<Arc<[u8]>, String>>,
    bytes: usize,
}

impl<'a> Pages<'a> {
    /// No pages, to be read from `source`.
    pub(crate) fn new(source: &'a mut dyn Source) -> Self {
        Self { source, read: BTreeMap::new(), bytes: 0 }
    }

    fn get(&mut self, file: PathBuf) -> Result<Arc<[u8]>, String> {
        if let Some(read) = self.read.get(&file) {
            return read.clone();
        }
        let read = self.read(&file);
        self.read.insert(file, read.clone());
        read
    }

    fn read(&mut self, file: &File) -> Result<Arc<[u8]>, String> {
        let bytes = self.source.read_page(file, PAGE_BYTES_MAX)?;
        let longest = |bytes: usize| format!("longer than {}", size::print(bytes as u64));
        if bytes.len() > PAGE_BYTES_MAX {
            return Err(longest(PAGE_BYTES_MAX));
        }
        self.bytes += bytes.len();
        if self.bytes > ALL_BYTES_MAX {
            return Err(format!("all pages together are {}", longest(ALL_BYTES_MAX)));
        }
        Ok(bytes.into())
    }
}

/// The `error_page` of a table.
pub(crate) fn error_pages(
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<ErrorPages> {
    let path = path.key("error_page");
    let Some(pages) = table.value("error_page") else { return Some(ErrorPages::default()) };
    let mut built = Some(Vec::new());
    for (code, entry) in pages.table()?.iter() {
        let (Ok(code_read), Some(file)) =
            (status::error_status(code), entry.value.parse(place::page))
        else {
            built = None;
            continue;
        };
        match site.pages.get(site.files.directory().join(&file)) {
            Ok(body) => {
                let page = Page { media_type: media_type(&file), body };
                if let Some(built) = &mut built {
                    built.push((code_read, page));
                }
            }
            Err(why) => {
                built = None;
                let at = entry.value.at()?;
                let message = format!("{}: {why}", file.display());
                let mistake = Mistake::new(at, &path.key(code), message);
                let longest = size::print(PAGE_BYTES_MAX as u64);
                site.report.add(mistake.expected(format!("a readable file of at most {longest}")));
            }
        }
    }
    built.map(ErrorPages)
}

/// By the ending of a file's name. What is text is UTF-8.
fn media_type(file: &File) -> &'static str {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "json" => "application/json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "txt" | "md" | "" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
