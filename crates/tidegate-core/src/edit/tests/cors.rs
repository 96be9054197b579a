//! Cross-origin sharing, case by case.

use super::*;

const LISTED: &str = "[route.all.response.cors]\n\
                      origins = [\"https://a.example\", \"http://b:81\"]\n\
                      methods = [\"GET\", \"PUT\"]\nheaders = [\"X-User\"]\nexpose = \"x-id\"\n\
                      credentials = true\nmax_age = \"1h\"";
const ANY: &str = "response.cors = { origins = \"*\", headers = \"*\" }";

/// The answer to a preflight; `None` when the request goes to a server.
fn preflight(route: &str, lines: &str) -> Option<String> {
    let config = config(route);
    let mut head = head(lines);
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    let prepared = prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply);
    match prepared.expect("nothing to render") {
        Prepared::Answer(body) => {
            assert_eq!((reply.status(), body), (204, &b""[..]));
            Some(fields(&reply))
        }
        Prepared::Forward(_) => None,
    }
}

fn asks(origin: &str) -> String {
    format!(
        "OPTIONS /x HTTP/1.1\nHost: shop\nOrigin: {origin}\nAccess-Control-Request-Method: PUT\n\
         Access-Control-Request-Headers: x-user"
    )
}

#[test]
fn a_preflight_of_a_listed_origin_is_granted_here() {
    let expected = "vary: Origin\naccess-control-allow-origin: http://b:81\n\
                    access-control-allow-credentials: true\n\
                    access-control-allow-methods: GET, PUT\n\
                    access-control-allow-headers: x-user\naccess-control-max-age: 3600\n";
    assert_eq!(preflight(LISTED, &asks("http://b:81")).as_deref(), Some(expected));
    let expected = "access-control-allow-origin: *\naccess-control-allow-methods: GET, HEAD, POST\n\
                    access-control-allow-headers: *\n";
    assert_eq!(preflight(ANY, &asks("https://anywhere")).as_deref(), Some(expected));
}

#[test]
fn other_origins_get_no_word_of_it() {
    for origin in ["null", "https://a.example.evil", "https://A.example", "https://a.example:443"] {
        let told = preflight(LISTED, &asks(origin));
        assert_eq!(told.as_deref(), Some("vary: Origin\n"), "{origin}");
    }
    let twice = asks("https://a.example") + "\nOrigin: https://a.example";
    assert_eq!(preflight(LISTED, &twice).as_deref(), Some("vary: Origin\n"));
}

#[test]
fn what_is_no_preflight_goes_to_a_server() {
    for lines in [
        "OPTIONS / HTTP/1.1\nHost: a\nOrigin: https://a.example",
        "OPTIONS / HTTP/1.1\nHost: a\nAccess-Control-Request-Method: GET",
        "GET / HTTP/1.1\nHost: a\nOrigin: https://a.example\nAccess-Control-Request-Method: GET",
    ] {
        assert_eq!(preflight(LISTED, lines), None, "{lines}");
    }
    assert_eq!(preflight("", &asks("https://a.example")), None, "a route without cors");
}

#[test]
fn a_response_says_who_may_read_it() {
    let told = |route: &str, origin: &str, from_server: &str| {
        let config = config(route);
        let head = head(&format!("GET / HTTP/1.1\nHost: a{origin}"));
        let mut reply = server(from_server);
        reply::apply(&config.routes[0], &head, &FACTS, &mut Editor::default(), &mut reply)
            .expect("edits");
        fields(&reply)
    };
    let listed = "\nOrigin: https://a.example";
    assert_eq!(
        told(LISTED, listed, "Access-Control-Allow-Origin: *\nA: b\n"),
        "A: b\nvary: Origin\naccess-control-allow-origin: https://a.example\n\
         access-control-allow-credentials: true\naccess-control-expose-headers: x-id\n"
    );
    // Caches learn that the origin matters even from a response to a request without one.
    assert_eq!(told(LISTED, "", ""), "vary: Origin\n");
    assert_eq!(told(LISTED, "\nOrigin: null", ""), "vary: Origin\n");
    assert_eq!(told(LISTED, "", "Vary: Accept, origin\n"), "Vary: Accept, origin\n");
    assert_eq!(told(LISTED, "", "Vary: *\n"), "Vary: *\n");
    assert_eq!(told(ANY, listed, ""), "access-control-allow-origin: *\n");
    assert_eq!(told(ANY, "", ""), "");
}
