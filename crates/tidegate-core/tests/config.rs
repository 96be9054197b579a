//! The configuration, from files on disk to the checked model and back to text.
//!
//! Most cases are data: a file under `tests/data/config/bad` or `good` and, beside it, what is said
//! of it. Adding a case is adding a file; `UPDATE_EXPECT=1` writes what is said. Deliberately
//! absent: how single texts are read, which is tested beside their parsers.

#[path = "config/disk.rs"]
mod disk;
#[path = "config/golden.rs"]
mod golden;
#[path = "config/members.rs"]
mod members;
#[path = "config/model.rs"]
mod model;
#[path = "config/pages.rs"]
mod pages;
#[path = "config/properties.rs"]
mod properties;
#[path = "config/release.rs"]
mod release;
#[path = "config/scale.rs"]
mod scale;
