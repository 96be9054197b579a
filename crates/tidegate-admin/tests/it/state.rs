//! The state directory and the token in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tidegate_admin::server::StartError;
use tidegate_admin::state::stored_token;
use tidegate_net::state::candidates;

use crate::support::stage::{Balancer, CONFIG};

#[tokio::test]
async fn a_token_is_made_up_at_each_start_and_kept_for_its_owner() {
    let balancer = Balancer::new(CONFIG);
    let state = balancer.directory.path("state");
    let mode = |path: &std::path::Path| {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let server = balancer.api().await;
        let token = server.token().expect("it is made up").clone();
        assert_eq!(token.path.as_deref(), Some(state.join("admin.token").as_path()));
        assert_eq!((mode(&state), mode(&state.join("admin.token"))), (0o700, 0o600));
        assert_eq!(stored_token(Some(&state)).as_deref(), Some(token.token.as_str()));
        assert_eq!(token.token.len(), 64);
        assert!(!format!("{token:?}{server:?}").contains(&token.token), "it is not printed");
        tokens.push(token.token);
        server.stop().await;
    }
    assert_ne!(tokens[0], tokens[1]);
    let files = fs::read_dir(&state).expect("it is there").count();
    assert_eq!(files, 1, "no draft is left behind");
}

#[tokio::test]
async fn a_directory_that_others_write_to_is_refused() {
    let balancer = Balancer::new(CONFIG);
    let state = balancer.directory.path("state");
    fs::create_dir(&state).expect("free");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).expect("ours");
    let error = balancer.try_api(|_| {}).await.expect_err("it cannot start");
    assert!(matches!(&error, StartError::State { .. }), "{error}");
    assert_eq!(stored_token(Some(&state)), None);
}

#[tokio::test]
async fn a_configured_directory_that_cannot_be_made_is_a_start_error() {
    let balancer = Balancer::new(CONFIG);
    let file = balancer.directory.write("file", "");
    let error = balancer.try_api(|options| options.state = Some(file.join("state"))).await.err();
    assert!(matches!(error, Some(StartError::State { .. })), "{error:?}");
}

#[test]
fn the_system_comes_before_the_user() {
    let places = candidates(None);
    assert_eq!(places[0], std::path::Path::new("/var/lib/tidegate"));
    assert!(places[1..].iter().all(|place| place.ends_with("tidegate")), "{places:?}");
}
