//! Files that are served as they are, read with the configuration.

use std::path::{Path, PathBuf};

use tidegate_core::config::diff::diff;
use tidegate_core::config::load::{Loaded, Source, load};
use tidegate_core::model::node::Config;

use crate::disk::{Disk, say};

const TEXT: &str = "
[listener.web]
address = \"127.0.0.1:8080\"
[default.route.response.error_page]
503 = \"file:sorry.html\"
[route.a]
pool = \"app\"
match.path = \"/a\"
[route.b]
pool = \"app\"
match.path = \"/b\"
response.error_page = { 404 = \"file:/etc/none.json\" }
[pool.app]
servers = \"127.0.0.1:9001\"
error_page = { 502 = \"file:sorry.html\" }
";

/// Pages of one size, and which were asked for.
struct Pages {
    length: usize,
    asked: Vec<PathBuf>,
}

impl Source for Pages {
    fn read(&mut self, _: &Path) -> Result<String, String> {
        Ok(TEXT.to_owned())
    }

    fn expand(&mut self, _: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }

    fn read_page(&mut self, path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
        self.asked.push(path.to_owned());
        Ok(vec![b'x'; self.length.min(bytes_max + 1)])
    }
}

fn read(length: usize) -> (Loaded, Vec<PathBuf>) {
    let mut pages = Pages { length, asked: Vec::new() };
    let loaded = load(Path::new("etc/tidegate.toml"), &mut pages);
    (loaded, pages.asked)
}

fn config(length: usize) -> Config {
    let (loaded, _) = read(length);
    loaded.config.unwrap_or_else(|| panic!("{}", say(&loaded.diagnostics)))
}

#[test]
fn a_page_is_read_once_and_shared_and_its_name_tells_its_type() {
    let (_, asked) = read(256 << 10);
    assert_eq!(asked, [Path::new("etc/sorry.html"), Path::new("/etc/none.json")]);
    let config = config(256 << 10);
    let pages = |route: usize| &config.routes[route].response.as_ref().expect("pages").error_pages;
    let sorry = pages(0).page(503).expect("inherited");
    assert_eq!((sorry.media_type, sorry.body.len()), ("text/html; charset=utf-8", 256 << 10));
    let pool = config.pools[0].error_pages.page(502).expect("its own");
    assert!(std::sync::Arc::ptr_eq(&sorry.body, &pool.body));
    assert_eq!(pages(1).page(404).expect("its own").media_type, "application/json");
    assert!(pages(1).page(503).is_some(), "tables merge by key");
    assert_eq!(pages(0).page(404), None);
}

#[test]
fn a_page_beyond_the_bound_is_a_mistake() {
    let (loaded, _) = read((256 << 10) + 1);
    assert!(loaded.config.is_none());
    let said = say(&loaded.diagnostics);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        said.contains(":5:7: sorry.html: longer than 256KiB; expected a readable file"),
        "{said}"
    );
}

#[test]
fn a_page_that_changed_is_a_difference() {
    let changes = diff(&config(1), &config(2));
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["route a changed: response", "route b changed: response", "pool app changed: error_page"]
    );
}

#[test]
fn a_page_is_read_from_beside_the_file() {
    let loaded = Disk::data("pages").load("tidegate.toml");
    let config = loaded.config.unwrap_or_else(|| panic!("{}", say(&loaded.diagnostics)));
    let page = config.pools[0].error_pages.page(503).expect("it is there");
    assert_eq!((&*page.body, page.media_type), (&b"Sorry.\n"[..], "text/plain; charset=utf-8"));
}
