//! What a `Set-Cookie` of the application teaches of its sessions (RFC 6265, section 5.2).
//!
//! A session begins with the response that names it, so that the user's very next request, on
//! whatever core, finds it. A login that changes the name keeps the server: the new name is learned
//! from the same response.

/// What a `Set-Cookie` says of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson<'a> {
    /// It is called this from now on.
    Begins(&'a [u8]),
    /// It is over: the cookie is taken back.
    Ends,
}

/// What the value of a `Set-Cookie` field says of the session whose cookie is called `name`; `None`
/// when it is about another cookie.
///
/// The name is found where browsers find it, and the value is read as requests will bring it: to
/// the first semicolon, without white space around it, quotes kept. A cookie that expires in the
/// past counts as taken back only if `Max-Age` says so too, as all current frameworks do, or if its
/// value is empty.
#[must_use]
pub fn lesson<'a>(field: &'a [u8], name: &str) -> Option<Lesson<'a>> {
    let mut parts = field.split(|byte| *byte == b';');
    let (found, value) = pair(parts.next()?)?;
    if found != name.as_bytes() {
        return None;
    }
    let is_over = |(attribute, age): (&[u8], &[u8])| {
        attribute.eq_ignore_ascii_case(b"max-age") && is_past(age)
    };
    let taken_back = value.is_empty() || parts.filter_map(pair).any(is_over);
    Some(if taken_back { Lesson::Ends } else { Lesson::Begins(value) })
}

/// The two sides of the first `=`, without white space around them.
fn pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let place = part.iter().position(|byte| *byte == b'=')?;
    Some((part[..place].trim_ascii(), part[place + 1..].trim_ascii()))
}

/// Whether an age is no time at all, or less.
fn is_past(age: &[u8]) -> bool {
    let digits = age.strip_prefix(b"-").unwrap_or(age);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number && (digits.len() < age.len() || digits.iter().all(|digit| *digit == b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_session_begins_and_ends_with_its_cookie() {
        let begins = |value| Some(Lesson::Begins(value));
        let cases: [(&[u8], Option<Lesson<'_>>); 15] = [
            (b"JSESSIONID=5F2B; Path=/; HttpOnly", begins(b"5F2B")),
            (b"JSESSIONID=5F2B", begins(b"5F2B")),
            (b" JSESSIONID = 5F2B ;Secure", begins(b"5F2B")),
            (b"JSESSIONID=\"5F=2B\"; Max-Age=3600", begins(b"\"5F=2B\"")),
            (b"JSESSIONID=5F2B; max-age=00; Path=/", Some(Lesson::Ends)),
            (b"JSESSIONID=5F2B; Max-Age = -1", Some(Lesson::Ends)),
            (b"JSESSIONID=; Path=/", Some(Lesson::Ends)),
            (b"JSESSIONID=5F2B; Max-Age=0x", begins(b"5F2B")),
            (b"JSESSIONID=5F2B; Max-Age=", begins(b"5F2B")),
            (b"JSESSIONID=5F2B; Max-Age=-", begins(b"5F2B")),
            (b"jsessionid=5F2B", None),
            (b"JSESSIONIDX=5F2B", None),
            (b"theme=dark; JSESSIONID=5F2B", None),
            (b"JSESSIONID", None),
            (b"", None),
        ];
        for (field, taught) in cases {
            assert_eq!(lesson(field, "JSESSIONID"), taught, "{}", String::from_utf8_lossy(field));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_the_name_is_part_of_it_and_not_empty(field: Vec<u8>) {
            let field = [b"id=", field.as_slice()].concat();
            if let Some(Lesson::Begins(value)) = lesson(&field, "id") {
                prop_assert!(!value.is_empty() && !value.contains(&b';'));
                prop_assert_eq!(value.trim_ascii(), value);
            }
        }

        #[test]
        fn what_a_server_sets_is_learned_as_it_is(value in "[!#-+\\--:<-\\[\\]-~]{1,64}") {
            let field = format!("id={value}; Path=/; Secure");
            prop_assert_eq!(lesson(field.as_bytes(), "id"), Some(Lesson::Begins(value.as_bytes())));
        }
    }
}
