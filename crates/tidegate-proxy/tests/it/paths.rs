//! Group I of docs/security-cases.md: one reading of a path, for the route and for the server.

use crate::cases::*;
use crate::world::*;

/// A balancer that keeps `/admin` and all below it to a server of its own.
struct Guarded {
    open: Server,
    admin: Server,
    balancer: Balancer,
}

impl Guarded {
    #[track_caller]
    fn new(more: &str) -> Self {
        let (open, admin) = (Server::named("open"), Server::named("admin"));
        let rules = format!(
            "[route.admin]\npool = \"admin\"\n[route.admin.match]\npath_prefix = \"/admin\"\n\
             [pool.admin]\nservers = \"{}\"\n{more}",
            admin.address
        );
        let balancer = Balancer::start(&config(&[open.address], &rules));
        Self { open, admin, balancer }
    }

    /// Holds that the target is forwarded as `forwarded` and reached this server.
    #[track_caller]
    fn sends(&self, target: &str, forwarded: &str, to: &str) {
        let mut client = self.balancer.client();
        client.send(get(target));
        let (head, body) = client.message();
        assert_eq!(status(&head), 200, "{target}");
        assert_eq!(String::from_utf8_lossy(&body), to, "{target}");
        let server = if to == "admin" { &self.admin } else { &self.open };
        let head = server.heads().pop().expect("it answered");
        assert!(
            head.starts_with(&format!("GET {forwarded} HTTP/1.1\r\n")),
            "{target} became {head}"
        );
    }
}

#[test]
fn i1_routes_and_servers_see_one_form() {
    let site = Guarded::new("");
    for (target, forwarded, to) in [
        ("/x/../admin", "/admin", "admin"),
        ("/x/%2e%2e/admin/y", "/admin/y", "admin"),
        ("/x/.%2E/admin", "/admin", "admin"),
        ("/./admin", "/admin", "admin"),
        ("/%2e/admin/", "/admin/", "admin"),
        ("//admin", "/admin", "admin"),
        ("///admin//x", "/admin/x", "admin"),
        ("/x//../admin", "/admin", "admin"),
        ("/%61dmin", "/admin", "admin"),
        ("/admin/../x", "/x", "open"),
        ("/admin/x/../../y", "/y", "open"),
        ("/admin/.", "/admin/", "admin"),
        ("/x/../admin?a=/../..", "/admin?a=/../..", "admin"),
        ("/adminx", "/adminx", "open"),
        ("/x/admin", "/x/admin", "open"),
        ("/admin;x/y", "/admin;x/y", "open"),
        ("/...", "/...", "open"),
        ("http://b.example/x/../admin", "/admin", "admin"),
    ] {
        site.sends(target, forwarded, to);
    }
}

#[test]
fn i1_no_path_leaves_the_root_or_hides_a_dot_segment() {
    let site = Site::new();
    for path in [
        "/..",
        "/../admin",
        "/x/../../admin",
        "/%2e%2e",
        "/%2e%2e/admin",
        "/.%2e/x",
        "//../..",
        "/..;/admin",
        "/x/..;/admin",
        "/x/..;a=b/admin",
        "/.;/admin",
        "/x/.;y/z",
        "/%2e%2e;/x",
        "/..%3b/x",
        "/x/..%23",
        "/x/..%3f",
        "/x\\y",
        "/\\admin",
        "/x\\..\\admin",
        "\\admin",
    ] {
        site.refuses(get(path), 400, "bad_path");
    }
}

#[test]
fn i1_merging_slashes_for_the_server_is_the_route_s_choice() {
    let site = Guarded::new("[route.admin.path]\nmerge_slashes = false\n");
    site.sends("//admin//x", "//admin//x", "admin");
    site.sends("/x//../admin//", "/admin//", "admin");
    site.sends("//x//y", "/x/y", "open");
}

#[test]
fn i2_an_encoded_slash_is_refused_or_kept() {
    let site = Site::new();
    for path in ["/x%2fadmin", "/x%2Fadmin", "/x%5cadmin", "/%5C", "/%2f"] {
        site.turns_away(get(path), 400, "bad_path");
    }
    let site = Guarded::new("[route.all.path]\nencoded_slash = \"keep\"\n");
    site.sends("/x%2fadmin", "/x%2Fadmin", "open");
    site.sends("/x%5cadmin", "/x%5Cadmin", "open");
    site.sends("/%2fadmin", "/%2Fadmin", "open");
    // Kept, it still hides no dot segment.
    for path in ["/x%2f..%2fadmin", "/x%2f../admin/%2e%2e%2f", "/..%5cadmin", "/x/..%2f"] {
        let mut client = site.balancer.client();
        client.send(get(path));
        assert_eq!(status(&client.message().0), 400, "{path}");
        assert!(client.is_closed(), "{path}");
    }
}

#[test]
fn i2_nul_is_refused_and_delimiters_stay_encoded() {
    let site = Site::new();
    for path in ["/%00", "/x%00.css", "/x/%00/../y", "/a%", "/a%2", "/a%2g", "/a%%32", "/%u002f"] {
        site.refuses(get(path), 400, "bad_path");
    }
    let site = Guarded::new("");
    for (target, forwarded) in [
        ("/admin%3bx", "/admin%3Bx"),
        ("/admin%23x", "/admin%23x"),
        ("/admin%3fx", "/admin%3Fx"),
        ("/admin%20", "/admin%20"),
        ("/admin%0a", "/admin%0A"),
        ("/admin%0d%0ax:y", "/admin%0D%0Ax:y"),
    ] {
        site.sends(target, forwarded, "open");
    }
}

#[test]
fn i3_a_path_is_decoded_once_and_a_query_never() {
    let site = Guarded::new("");
    site.sends("/%2561dmin", "/%2561dmin", "open");
    site.sends("/x/%252e%252e/admin", "/x/%252e%252e/admin", "open");
    site.sends("/x%252fadmin", "/x%252fadmin", "open");
    site.sends("/caf\u{e9}/%c3%a9", "/caf%C3%A9/%C3%A9", "open");
    let query = "a=%2e%2e/..&b=%00%zz%c0%ae&c=//\\;d%2561&?";
    site.sends(&format!("/x?{query}"), &format!("/x?{query}"), "open");
    site.sends(&format!("/admin?{query}"), &format!("/admin?{query}"), "admin");
    site.sends("/x?caf\u{e9}", "/x?caf\u{e9}", "open");
    site.sends("/x?", "/x?", "open");
    let site = Site::new();
    for path in
        ["/%c0%ae%c0%ae/admin", "/%c0%af", "/%e0%80%af", "/%ff", "/%c3", "/%c3/%a9", "/%ed%a0%80"]
    {
        site.refuses(get(path), 400, "bad_path");
    }
    for raw in [&b"/\xff"[..], b"/\xc0\xae", b"/?\xff", b"/?a=\xc3"] {
        let request = [b"GET ", raw, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        site.refuses(request, 400, "bad_request_line");
    }
}

#[test]
fn i4_hosts_have_one_form_and_paths_keep_their_case() {
    let hosts: Vec<String> = (0..300).map(|n| format!("\"h{n}.example.com\"")).collect();
    let (open, shop) = (Server::named("open"), Server::named("shop"));
    let rules = format!(
        "[route.shop]\npool = \"shop\"\n[route.shop.match]\n\
         host = [{}, \"*.wild.example\", \"xn--caf-dma.example\"]\n\
         [pool.shop]\nservers = \"{}\"\n",
        hosts.join(", "),
        shop.address
    );
    let balancer = Balancer::start(&config(&[open.address], &rules));
    let ask = |host: &str| {
        let mut client = balancer.client();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let (head, body) = client.message();
        (status(&head), String::from_utf8(body).expect("text"))
    };
    for host in [
        "h7.example.com",
        "H7.EXAMPLE.com",
        "h7.example.com.",
        "h7.example.com:80",
        "h7.example.com:8080",
        "H299.Example.Com",
        "a.WILD.example",
        "a.b.wild.example.",
        "XN--CAF-DMA.example",
    ] {
        assert_eq!(ask(host), (200, "shop".to_owned()), "{host}");
    }
    for host in [
        "h300.example.com",
        "xh7.example.com",
        "h7.example.com.evil",
        "wild.example",
        "awild.example",
    ] {
        assert_eq!(ask(host), (200, "open".to_owned()), "{host}");
    }
    for host in ["h7.example.com.:80", "h7.example.com:0x50", "caf\u{e9}.example"] {
        assert_eq!(ask(host).0, 400, "{host}");
    }
    assert_eq!(field(&shop.heads()[1], "host"), Some("h7.example.com"));
    let guarded = Guarded::new("");
    guarded.sends("/Admin", "/Admin", "open");
    guarded.sends("/ADMIN/x", "/ADMIN/x", "open");
}

#[test]
fn i6_an_expression_takes_whole_paths_in_linear_time() {
    let (open, item) = (Server::named("open"), Server::named("item"));
    let rules = format!(
        "[route.item]\npool = \"item\"\n[route.item.match]\n\
         path_regex = [\"/item/[0-9]+\", \"/(a+)+\", \"/x|/y\"]\n\
         [pool.item]\nservers = \"{}\"\n",
        item.address
    );
    let balancer = Balancer::start(&config(&[open.address], &rules));
    let mut client = balancer.client();
    let nested = format!("/{}", "a".repeat(30_000));
    let nearly = format!("{nested}!");
    for (path, to) in [
        ("/item/5", "item"),
        ("/item/5x", "open"),
        ("/x/item/5", "open"),
        ("/item/5/", "open"),
        ("/item/5%0a", "open"),
        ("/y", "item"),
        ("/yy", "open"),
        ("/x/y", "open"),
        (&nested, "item"),
        (&nearly, "open"),
    ] {
        client.send(get(path));
        assert_eq!(
            String::from_utf8_lossy(&client.message().1),
            to,
            "{}",
            &path[..path.len().min(20)]
        );
    }
}

#[test]
fn i8_a_query_key_has_its_first_value_and_only_ampersands_separate() {
    let (open, beta) = (Server::named("open"), Server::named("beta"));
    let rules = format!(
        "[route.beta]\npool = \"beta\"\n[route.beta.match]\nquery = {{ v = \"2\" }}\n\
         [pool.beta]\nservers = \"{}\"\n",
        beta.address
    );
    let balancer = Balancer::start(&config(&[open.address], &rules));
    let mut client = balancer.client();
    for (query, to) in [
        ("v=2", "beta"),
        ("a=1&v=2", "beta"),
        ("v=2&v=1", "beta"),
        ("v=1&v=2", "open"),
        ("a=1;v=2", "open"),
        ("v=2;a=1", "open"),
        ("v=%32", "open"),
        ("%76=2", "open"),
        ("V=2", "open"),
        ("v=2+", "open"),
        ("&&v=2", "beta"),
        ("v", "open"),
        ("v=", "open"),
        ("v=2=", "open"),
        ("", "open"),
    ] {
        client.send(get(&format!("/?{query}")));
        assert_eq!(String::from_utf8_lossy(&client.message().1), to, "{query}");
    }
    assert_eq!(open.heads().len() + beta.heads().len(), 15);
}
