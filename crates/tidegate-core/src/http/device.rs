//! What a user agent says it runs on.
//!
//! Its client hints go first (`Sec-CH-UA-Platform` and `Sec-CH-UA-Mobile`, which Chromium sends
//! over TLS), else the words that browsers put into `User-Agent`. All of this is what anybody says
//! of themselves, and some say what they are not: an iPad asks for pages as a Macintosh does. It
//! tells which version somebody may like best, and nothing that has to be true.

use super::head::Head;
use crate::model::audience::Device;

/// Bytes of a field that are looked at: those of browsers are far shorter.
const LOOKED_AT_MAX: usize = 512;
/// Words of crawlers, beside those that end in `bot`.
const CRAWLERS: [&[u8]; 5] = [b"crawler", b"spider", b"slurp", b"headless", b"externalhit"];

/// What is looked at of a request.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    user_agent: &'a [u8],
    /// The platform of the client hints.
    platform: Option<&'a [u8]>,
    /// Whether the client hints want pages for telephones.
    mobile: Option<bool>,
}

impl<'a> Agent<'a> {
    /// What a request says.
    #[must_use]
    pub fn of(head: &'a Head) -> Self {
        let first = |name| {
            let value: &[u8] = head.values(name).next()?;
            Some(&value[..value.len().min(LOOKED_AT_MAX)])
        };
        Self {
            user_agent: first("user-agent").unwrap_or_default(),
            platform: first("sec-ch-ua-platform").map(unquoted),
            mobile: match first("sec-ch-ua-mobile") {
                Some(b"?1") => Some(true),
                Some(b"?0") => Some(false),
                _ => None,
            },
        }
    }

    /// Whether it is of a class. A crawler is of no other, whatever it pretends to be.
    #[must_use]
    pub fn is(self, device: Device) -> bool {
        if self.is_bot() {
            return device == Device::Bot;
        }
        match device {
            Device::Ios => self.is_ios(),
            Device::Android => self.is_android(),
            Device::Mobile => self.is_mobile(),
            Device::Tablet => self.is_tablet(),
            Device::Desktop => self.is_desktop(),
            Device::Bot => false,
        }
    }

    fn is_ios(self) -> bool {
        self.runs_on(&["iOS"], &[b"iPhone", b"iPad", b"iPod"])
    }

    fn is_android(self) -> bool {
        self.runs_on(&["Android"], &[b"Android"])
    }

    fn is_tablet(self) -> bool {
        self.says(b"iPad") || self.is_android() && !self.wants_mobile()
    }

    fn is_mobile(self) -> bool {
        !self.is_tablet() && self.wants_mobile()
    }

    fn is_desktop(self) -> bool {
        const HINTS: [&str; 5] = ["Windows", "macOS", "Linux", "Chrome OS", "Chromium OS"];
        const WORDS: [&[u8]; 4] = [b"Windows NT", b"Macintosh", b"X11", b"CrOS"];
        !self.wants_mobile() && !self.is_tablet() && self.runs_on(&HINTS, &WORDS)
    }

    fn wants_mobile(self) -> bool {
        self.mobile.unwrap_or_else(|| self.says(b"Mobile") || self.says(b"iPhone"))
    }

    /// Whether the client hints name one of these platforms, or the user agent says one of these
    /// words when there are no hints.
    fn runs_on(self, hints: &[&str], words: &[&[u8]]) -> bool {
        match self.platform {
            Some(platform) => {
                hints.iter().any(|hint| platform.eq_ignore_ascii_case(hint.as_bytes()))
            }
            None => words.iter().any(|word| self.says(word)),
        }
    }

    /// Crawlers say so, most of them by a name that ends in `bot`; a word that goes on is a maker
    /// of telephones.
    fn is_bot(self) -> bool {
        let ends = |rest: &[u8]| matches!(rest.first(), None | Some(b'/' | b'-' | b';' | b')'));
        let mut bots = self.user_agent.windows(3).enumerate();
        CRAWLERS.iter().any(|word| self.says(word))
            || bots.any(|(place, word)| {
                word.eq_ignore_ascii_case(b"bot") && ends(&self.user_agent[place + 3..])
            })
    }

    fn says(self, word: &[u8]) -> bool {
        self.user_agent.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
    }
}

/// A string of a structured field (RFC 9651, section 3.3.3), as long as nothing in it is escaped.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Device::{Android, Bot, Desktop, Ios, Mobile, Tablet};
    use super::*;

    fn classes(fields: &[(&str, &str)]) -> Vec<Device> {
        let head = Head::compose("GET", "a", "/", fields).expect("a request");
        let agent = Agent::of(&head);
        Device::ALL.into_iter().filter(|device| agent.is(*device)).collect()
    }

    #[test]
    fn browsers_say_what_they_run_on() {
        for (user_agent, devices) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                &[Ios, Mobile][..],
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1",
                &[Ios, Tablet],
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Mobile Safari/537.36",
                &[Android, Mobile],
            ),
            ("Mozilla/5.0 (Linux; Android 10; CUBOT_X18_Plus) Mobile", &[Android, Mobile]),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                &[Android, Tablet],
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/18.5 Safari/605.1.15",
                &[Desktop],
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101", &[Desktop]),
            ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/142.0.0.0", &[Desktop]),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like \
                 Gecko) Chrome/142.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; \
                 +http://www.google.com/bot.html)",
                &[Bot],
            ),
            ("facebookexternalhit/1.1", &[Bot]),
            ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/142.0.0.0", &[Bot]),
            ("curl/8.15.0", &[]),
            ("", &[]),
        ] {
            assert_eq!(classes(&[("user-agent", user_agent)]), devices, "{user_agent}");
        }
        assert_eq!(classes(&[]), []);
    }

    #[test]
    fn client_hints_go_before_the_user_agent() {
        let desktop = "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36";
        for (platform, mobile, devices) in [
            ("\"Android\"", "?1", &[Android, Mobile][..]),
            ("\"Android\"", "?0", &[Android, Tablet]),
            ("\"Windows\"", "?0", &[Desktop]),
            ("\"Fuchsia\"", "?0", &[]),
            ("\"", "maybe", &[]),
        ] {
            let hints = [
                ("user-agent", desktop),
                ("sec-ch-ua-platform", platform),
                ("sec-ch-ua-mobile", mobile),
            ];
            assert_eq!(classes(&hints), devices, "{platform} {mobile}");
        }
    }

    proptest! {
        #[test]
        fn nobody_is_on_a_desk_and_in_a_pocket(
            user_agent in "((bot|iPad|iPhone|Android|Mobile|X11|Macintosh|[ -~]{0,3})[ /;)]?){0,6}",
            platform in "(\"?(iOS|Android|Windows|[ -~]{0,4})\"?)",
            mobile in "\\?[012]",
        ) {
            let user_agent = user_agent.trim();
            let hints = [("sec-ch-ua-platform", platform.trim()), ("sec-ch-ua-mobile", &mobile)];
            let said = [("user-agent", user_agent), hints[0], hints[1]];
            for fields in [&said[..1], &said] {
                let found = classes(fields);
                let sizes = [Mobile, Tablet, Desktop].iter().filter(|one| found.contains(one));
                prop_assert!(sizes.count() <= 1, "{fields:?}: {found:?}");
                prop_assert!(!found.contains(&Bot) || found == [Bot], "{fields:?}: {found:?}");
            }
        }
    }
}
