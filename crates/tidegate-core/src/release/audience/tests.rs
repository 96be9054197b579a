//! Audiences as a table: what they ask for, what is seen, and whether it holds.

use super::*;
use crate::config::load::{Text, load};
use crate::model::ids::AudienceName;

/// Knows one address of China, and one sealed cookie.
struct Known;

impl Witness for Known {
    fn country(&self, address: IpAddr) -> Option<Country> {
        (address == IpAddr::from([1, 2, 3, 4])).then(|| Country::parse("CN"))?
    }

    fn has_sealed(&self, cookie: &str, value: &[u8]) -> bool {
        (cookie, value) == ("staff", &b"sealed"[..])
    }
}

/// Has nothing to tell, and must not be asked.
struct Nobody;

impl Witness for Nobody {
    fn country(&self, _address: IpAddr) -> Option<Country> {
        panic!("nobody wants to know a country")
    }

    fn has_sealed(&self, _cookie: &str, _value: &[u8]) -> bool {
        panic!("nobody wants to know a cookie")
    }
}

/// The audience that a configuration describes.
fn audience(any: &str) -> Audience {
    let text = format!(
        "[listener.a]\naddress = \"127.0.0.1:80\"\ntrusted_proxies = \"10.0.0.0/8\"\n\
         [geo]\ndatabase = \"country.mmdb\"\n[audience.a]\nany = {any}\n"
    );
    let loaded = load("a.toml".as_ref(), &mut Text(&text));
    let mut config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    config.audiences.remove(0)
}

#[derive(Clone, Copy)]
struct Case<'a> {
    fields: &'a [(&'a str, &'a str)],
    client: [u8; 4],
    sender: Sender,
}

const NOBODY_SPECIAL: Case<'_> =
    Case { fields: &[], client: [192, 0, 2, 1], sender: Sender::Stranger };

#[track_caller]
fn check(any: &str, case: Case<'_>, expected: bool) {
    let head = Head::compose("GET", "a", "/", case.fields).expect("a request");
    let (client, sender) = (case.client.into(), case.sender);
    let asks = ["country", "cookie"].iter().any(|word| any.contains(word));
    let witness: &dyn Witness = if asks { &Known } else { &Nobody };
    let seen = Seen { head: &head, client, sender, user: None, witness };
    assert_eq!(holds(&audience(any), &seen), expected, "{any}: {:?}", case.fields);
}

#[test]
fn an_address_is_in_a_network() {
    let inside = Case { client: [10, 1, 2, 3], ..NOBODY_SPECIAL };
    check("{ client = [\"127.0.0.1\", \"10.0.0.0/8\"] }", inside, true);
    check("{ client = [\"127.0.0.1\", \"10.0.0.0/8\"] }", NOBODY_SPECIAL, false);
}

#[test]
fn an_address_is_in_a_country() {
    let chinese = Case { client: [1, 2, 3, 4], ..NOBODY_SPECIAL };
    check("{ country = [\"DE\", \"CN\"] }", chinese, true);
    check("{ country = \"DE\" }", chinese, false);
    check("{ country = [\"DE\", \"CN\"] }", NOBODY_SPECIAL, false);
}

#[test]
fn l5_a_cookie_counts_if_the_balancer_has_sealed_it() {
    let case = |fields| Case { fields, ..NOBODY_SPECIAL };
    for (fields, expected) in [
        (&[("cookie", "a=1; staff=sealed")][..], true),
        (&[("cookie", "staff=1")], false),
        (&[("cookie", "staff=")], false),
        (&[("cookie", "other=sealed")], false),
        (&[("cookie", "staff=forged; staff=sealed")], false),
        (&[("cookie", "staff=forged"), ("cookie", "staff=sealed")], false),
        (&[], false),
    ] {
        check("{ signed_cookie = \"staff\" }", case(fields), expected);
    }
}

#[test]
fn l5_a_header_is_believed_of_trusted_proxies_alone() {
    let vip = "{ header = { x-vip = \"1\", x-group = \"~a|b\" }, trusted = true }";
    let full = &[("X-VIP", "1"), ("x-group", "a")][..];
    for (fields, sender, expected) in [
        (full, Sender::Proxy, true),
        (full, Sender::Stranger, false),
        (&[("x-vip", "1")], Sender::Proxy, false),
        (&[("x-vip", "1"), ("x-vip", "0"), ("x-group", "a")], Sender::Proxy, false),
        (&[("x-vip", "1"), ("x-group", "\u{e4}")], Sender::Proxy, false),
    ] {
        check(vip, Case { fields, sender, ..NOBODY_SPECIAL }, expected);
    }
    let guest = "{ header = { x-staff = false }, trusted = true }";
    check(guest, Case { sender: Sender::Proxy, ..NOBODY_SPECIAL }, true);
    check(guest, NOBODY_SPECIAL, false);
}

#[test]
fn a_device_is_what_the_user_agent_says() {
    let fields = &[("user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Mobile/15E148")];
    let telephone = Case { fields, ..NOBODY_SPECIAL };
    check("{ device = [\"android\", \"ios\"] }", telephone, true);
    check("{ device = [\"desktop\", \"bot\"] }", telephone, false);
    check("{ device = [\"desktop\", \"bot\"] }", NOBODY_SPECIAL, false);
}

#[test]
fn all_of_one_has_to_hold_and_one_of_all_will_do() {
    let both = "{ client = \"10.0.0.0/8\", device = \"bot\" }";
    let either = "[{ client = \"10.0.0.0/8\" }, { device = \"bot\" }]";
    let bot = &[("user-agent", "Googlebot/2.1")][..];
    for (client, fields, holds_both, holds_either) in [
        ([10, 0, 0, 1], bot, true, true),
        ([10, 0, 0, 1], &[], false, true),
        ([192, 0, 2, 1], bot, false, true),
        ([192, 0, 2, 1], &[], false, false),
    ] {
        let case = Case { client, fields, ..NOBODY_SPECIAL };
        check(both, case, holds_both);
        check(either, case, holds_either);
    }
}

#[test]
fn a_percentage_is_always_of_the_same_users_and_of_others_for_each_audience() {
    let staff = audience("{ percent = 10 }");
    let guests = Audience { name: AudienceName::new("guests"), ..staff.clone() };
    let head = Head::compose("GET", "a", "/", &[]).expect("a request");
    let seen = |user| Seen {
        head: &head,
        client: [192, 0, 2, 1].into(),
        sender: Sender::Stranger,
        user,
        witness: &Nobody,
    };
    let in_both = |user: u64| {
        let seen = seen(Some(User::from_bits(user)));
        (holds(&staff, &seen), holds(&guests, &seen))
    };
    let users: Vec<_> = (0..20_000).map(in_both).collect();
    assert!(users.iter().copied().eq((0..20_000).map(in_both)), "a user stays where it is");
    let count = |is: fn(&&(bool, bool)) -> bool| users.iter().filter(is).count();
    assert!((1800..2200).contains(&count(|both| both.0)));
    assert!((1800..2200).contains(&count(|both| both.1)));
    assert!((100..300).contains(&count(|both| both.0 && both.1)), "the two are independent");
    assert!(!holds(&staff, &seen(None)), "who cannot be told is not drawn");
}
