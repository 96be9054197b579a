//! A request head from its parts, as `explain` and tests have them.
//!
//! The head reads like one that was parsed: the host in lower case and without a trailing dot, the
//! path canonical. The parts are taken as given otherwise; what may stand in a message is the
//! parser's to judge.

use super::field_kind::FieldKind;
use super::head::{BodyLength, FieldSpan, Head, Span};
use super::path::{self, PathError};

impl Head {
    /// Makes a request head from a method, an authority, a path with an optional query, and fields.
    ///
    /// # Errors
    /// [`PathError`] when the path has no canonical form.
    pub fn compose(
        method: &str,
        host: &str,
        path_and_query: &str,
        fields: &[(&str, &str)],
    ) -> Result<Self, PathError> {
        let mut head = Self::default();
        head.method = head.append(method);
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        head.host = head.append(&host);
        head.compose_target(path_and_query)?;
        for (name, value) in fields {
            let kind = FieldKind::of(name.as_bytes());
            let (name, value) = (head.append(name), head.append(value));
            head.fields.push(FieldSpan { name, value, kind });
        }
        Ok(head)
    }

    /// Says how long the body is.
    pub const fn set_body(&mut self, body: BodyLength) {
        self.body = body;
    }

    fn compose_target(&mut self, target: &str) -> Result<(), PathError> {
        self.target = self.append(target);
        let start = self.target.start as usize;
        let path = target.split('?').next().unwrap_or_default();
        let end = start + path.len();
        self.query = (path.len() < target.len()).then(|| Span::new(end + 1, start + target.len()));
        if path == "*" {
            // The asterisk form (RFC 9112, section 3.2.4) names the server itself and has no
            // segments.
            self.path = Span::new(start, end);
            self.path_unmerged = self.path;
            return Ok(());
        }
        let canonical = path::canonical(&mut self.buffer, start..end)?;
        self.path = Span::new(canonical.merged.start, canonical.merged.end);
        self.path_unmerged = Span::new(canonical.unmerged.start, canonical.unmerged.end);
        self.path_encodes_slash = canonical.encodes_slash;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_head_reads_like_a_parsed_one() {
        let fields = [("X-Tier", "gold"), ("x-tier", "free"), ("Cookie", "a=1; b=2")];
        let head = Head::compose("GET", "Shop.Example.COM.", "/a//%62/./?q=%41&q=2", &fields)
            .expect("the path is canonical once resolved");
        assert_eq!(head.method(), "GET");
        assert_eq!(head.target(), "/a//%62/./?q=%41&q=2");
        assert_eq!(head.host(), "shop.example.com");
        assert_eq!(head.path(), "/a/b/");
        assert_eq!(head.path_unmerged(), "/a//b/");
        assert_eq!(head.query(), Some("q=%41&q=2"));
        assert!(!head.path_encodes_slash());
        assert_eq!(head.values("X-TIER").collect::<Vec<_>>(), [&b"gold"[..], b"free"]);
        assert_eq!(head.cookies("b").collect::<Vec<_>>(), [b"2"]);
        assert_eq!(head.query_values("q").collect::<Vec<_>>(), ["%41", "2"]);
    }

    #[test]
    fn the_asterisk_form_and_the_empty_path_are_paths() {
        let path = |target| Head::compose("OPTIONS", "a", target, &[]).map(|h| h.path().to_owned());
        assert_eq!(path("*"), Ok("*".to_owned()));
        assert_eq!(path(""), Ok("/".to_owned()));
        assert_eq!(path("?a=1"), Ok("/".to_owned()));
        assert_eq!(path("/.."), Err(PathError::Root));
    }
}
