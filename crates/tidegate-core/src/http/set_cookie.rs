//! Cookies that the balancer sets itself: the line in a response (RFC 6265bis, section 4.1).
//!
//! They are all `HttpOnly`: nothing on a page has any use for them.

use crate::http::write::field;
use crate::model::session::SameSite;
use crate::time::Duration;

/// A cookie to set. Name, value, path and domain are such that they can stand in the line.
#[derive(Clone, Copy, Debug)]
pub struct SetCookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// The paths that it is for.
    pub path: &'a str,
    /// The domain that it is for; `None`: the host that sets it.
    pub domain: Option<&'a str>,
    /// Which requests from elsewhere carry it.
    pub same_site: SameSite,
    /// How long it is kept; `None`: until the browser ends.
    pub max_age: Option<Duration>,
    /// Whether it goes over encrypted connections alone.
    pub secure: bool,
}

impl SetCookie<'_> {
    /// Writes the line behind what `out` holds.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut value = format!("{}={}; Path={}", self.name, self.value, self.path);
        if let Some(domain) = self.domain {
            value.push_str("; Domain=");
            value.push_str(domain);
        }
        if let Some(age) = self.max_age {
            value.push_str(&format!("; Max-Age={}", age.as_secs().max(1)));
        }
        if self.secure {
            value.push_str("; Secure");
        }
        value.push_str("; HttpOnly; SameSite=");
        value.push_str(self.same_site.as_str());
        field(b"Set-Cookie", value.as_bytes(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: SetCookie<'_> = SetCookie {
        name: "tidegate_shop",
        value: "abc",
        path: "/",
        domain: None,
        same_site: SameSite::Lax,
        max_age: None,
        secure: false,
    };

    fn line(cookie: &SetCookie<'_>) -> String {
        let mut out = Vec::new();
        cookie.write(&mut out);
        String::from_utf8(out).expect("all of it is text")
    }

    #[test]
    fn attributes_are_those_that_were_asked_for() {
        assert_eq!(
            line(&PLAIN),
            "Set-Cookie: tidegate_shop=abc; Path=/; HttpOnly; SameSite=Lax\r\n"
        );
        let whole = SetCookie {
            path: "/shop",
            domain: Some("example.com"),
            same_site: SameSite::None,
            max_age: Some(Duration::from_secs(4500)),
            secure: true,
            ..PLAIN
        };
        assert_eq!(
            line(&whole),
            "Set-Cookie: tidegate_shop=abc; Path=/shop; Domain=example.com; Max-Age=4500; Secure; \
             HttpOnly; SameSite=None\r\n"
        );
    }

    #[test]
    fn no_age_deletes_the_cookie() {
        let short = SetCookie { max_age: Some(Duration::from_millis(300)), ..PLAIN };
        assert!(line(&short).contains("Max-Age=1;"));
    }
}
