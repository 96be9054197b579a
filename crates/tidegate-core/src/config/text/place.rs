//! Places on the disk and in the environment: files, directories, secrets.

use std::path::{Path, PathBuf};

use super::fault::{Fault, Format};
use crate::model::secret::SecretReference;

/// A directory.
pub(crate) static DIRECTORY: Format = Format {
    name: "a path",
    expected: "a path, such as \"/var/lib/tidegate\"",
    example: "/var/lib/tidegate",
    pattern: Some("^[^\\u0000]+$"),
    unit: None,
    check: |text| path(text).map(drop),
};

/// A file that no word can be mistaken for.
pub(crate) static LOG_FILE: Format = Format {
    name: "a path",
    expected: "a path with a `/`, such as \"./access.log\"",
    example: "/var/log/tidegate/access.log",
    pattern: Some("^[^\\u0000]*/[^\\u0000]*$"),
    unit: None,
    check: |text| log_file(text).map(drop),
};

/// Where a secret is.
pub(crate) static SECRET: Format = Format {
    name: "a reference to a secret",
    expected: "a reference to a secret: \"env:NAME\" or \"file:PATH\"",
    example: "env:ADMIN_TOKEN",
    pattern: Some("^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"),
    unit: None,
    check: |text| secret(text, Path::new("")).map(drop),
};

/// A file that is only read.
pub(crate) static FILE: Format = Format {
    name: "the path of a file",
    expected: "the path of a file, such as \"shop.pem\"",
    example: "shop.pem",
    pattern: Some("^[^\\u0000-\\u001f]+$"),
    unit: None,
    check: |text| file(text).map(drop),
};

/// A private key.
pub(crate) static KEY_FILE: Format = Format {
    name: "where a private key is",
    expected: "where a private key is: \"shop.key\", \"file:PATH\" or \"env:NAME\"",
    example: "shop.key",
    pattern: Some("^[^\\u0000-\\u001f]+$"),
    unit: None,
    check: |text| key_file(text, Path::new("")).map(drop),
};

/// Files to include.
pub(crate) static GLOB: Format = Format {
    name: "a pattern of files",
    expected: "a path, with `*` and `?` in its last part if need be, such as \"conf.d/*.toml\"",
    example: "conf.d/*.toml",
    pattern: Some("^[^\\u0000]+$"),
    unit: None,
    check: |text| path(text).map(drop),
};

pub(crate) fn path(text: &str) -> Result<PathBuf, Fault> {
    let fits = !text.is_empty() && !text.contains('\0');
    if fits { Ok(PathBuf::from(text)) } else { Err(Fault::default()) }
}

/// A file that is only read. What belongs into one is often pasted in its stead; no message repeats
/// it.
pub(crate) fn file(text: &str) -> Result<PathBuf, Fault> {
    if text.contains("-----BEGIN") {
        return Err(Fault::because("this is what a file should hold, and not its path"));
    }
    let file = path(text).ok().filter(|_| !text.contains(char::is_control));
    file.ok_or_else(|| Fault::because("this is not the path of a file"))
}

/// A file, or a reference as secrets have it; a relative path starts at `directory`.
pub(crate) fn key_file(text: &str, directory: &Path) -> Result<SecretReference, Fault> {
    match text.split_once(':') {
        Some(("env" | "file", _)) => secret(text, directory),
        _ => file(text).map(|file| SecretReference::File(directory.join(file))),
    }
}

pub(crate) fn log_file(text: &str) -> Result<PathBuf, Fault> {
    let file = path(text)?;
    if text.contains('/') && !text.ends_with('/') { Ok(file) } else { Err(Fault::default()) }
}

/// A secret; a relative path starts at `directory`. The message does not repeat the text: it may be
/// the secret.
pub(crate) fn secret(text: &str, directory: &Path) -> Result<SecretReference, Fault> {
    let variable = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.is_empty()
            && name.bytes().all(fits)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    match text.split_once(':') {
        Some(("env", name)) if variable(name) => Ok(SecretReference::Environment(name.to_owned())),
        Some(("file", file)) if path(file).is_ok() => {
            Ok(SecretReference::File(directory.join(file)))
        }
        _ => Err(Fault::because("this is not a reference to a secret")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_or_a_reference() {
        let at = |path: &str| Ok(SecretReference::File(PathBuf::from(path)));
        let key = |text| key_file(text, Path::new("/etc"));
        assert_eq!(key("shop.key"), at("/etc/shop.key"));
        assert_eq!(key("/keys/shop.key"), at("/keys/shop.key"));
        assert_eq!(key("file:shop.key"), at("/etc/shop.key"));
        assert_eq!(key("C:/shop.key"), at("/etc/C:/shop.key"));
        assert_eq!(key("env:KEY"), Ok(SecretReference::Environment("KEY".to_owned())));
    }

    /// G9: a key that is pasted where its path belongs shows in no message.
    #[test]
    fn what_is_no_key_file_is_not_repeated() {
        for text in ["", "a\0b", "a\nb", "env:1", "file:", "-----BEGIN PRIVATE KEY-----\nMIIE"] {
            let message = key_file(text, Path::new("")).expect_err(text).message;
            let message = message.expect("a fault without words quotes the text");
            assert!(text.is_empty() || !message.contains(text), "{message}");
        }
    }
}
