//! Replays what fuzzing kept: the corpus of each target, and every input that once broke something.

use std::fs;
use std::path::{Path, PathBuf};

/// A test for each target: its name is that of its module and of its directories.
macro_rules! replay {
    ($($target:ident)*) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),*];

        $(
            #[test]
            fn $target() {
                replay(stringify!($target), tidegate_checks::$target::run);
            }
        )*
    };
}

replay! {
    accept_encoding access_log authority body chunked config device edit exchange fleet forwarded
    frame_budget grpc health path proxy_protocol request_head response_head rollout route
    session_cookie set_cookie trace verdict_record
}

#[expect(clippy::print_stdout, reason = "shown when a check panics")]
fn replay(target: &str, run: fn(&[u8])) {
    let kept = files(&directory("corpus").join(target));
    assert!(!kept.is_empty(), "{target} has a corpus");
    for file in kept.into_iter().chain(files(&directory("regressions").join(target))) {
        let data = fs::read(&file).expect("a file that was listed");
        println!("{}", file.display());
        run(&data);
    }
}

#[test]
fn each_target_has_an_entry_point_and_nothing_else_does() {
    let mut entries: Vec<String> = files(&directory("fuzz_targets"))
        .iter()
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    entries.sort();
    assert_eq!(entries, TARGETS);
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The files of a directory in order; none where it does not exist.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}
