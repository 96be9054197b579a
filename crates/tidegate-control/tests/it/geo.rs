//! The database of countries: bad, missing, and changed.

use std::fs;

use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::audience::Country;

use crate::support::balancer::{Balancer, config, until};
use crate::support::directory::Directory;

const DATABASE: &[u8] = include_bytes!("../../../tidegate-net/tests/data/country.mmdb");

fn origin(directory: &Directory) -> Origin {
    let rest = config(&[([127, 0, 0, 1], 9).into()], "[geo]\ndatabase = \"country.mmdb\"");
    Origin::File(directory.write("tidegate.toml", &rest))
}

/// Puts a database in the place of the one before at once.
fn write(directory: &Directory, content: &[u8]) {
    let (draft, file) = (directory.path("draft"), directory.path("country.mmdb"));
    fs::write(&draft, content).expect("room");
    fs::rename(draft, file).expect("the same disk");
}

/// The country of an address, as the data plane was told last.
fn country(balancer: &Balancer, address: [u8; 4]) -> Option<Country> {
    let contexts = balancer.notes.contexts.lock().expect("unharmed").clone();
    let countries = contexts.expect("something was published").countries.clone();
    countries.expect("there is a database").country(address.into())
}

#[test]
fn a_database_that_cannot_be_used_is_a_mistake_where_it_is_named() {
    let directory = Directory::new();
    let said = || {
        let refused = origin(&directory).load().expect_err("it is bad");
        let told = refused.diagnostics.iter().map(ToString::to_string).collect::<String>();
        told.replace(&format!("{}/", directory.path("").display()).replace("//", "/"), "")
    };
    assert_eq!(
        said(),
        "tidegate.toml:8:12: cannot read country.mmdb: No such file or directory (os error 2)"
    );
    write(&directory, b"<html>");
    let told = said();
    let begins = "tidegate.toml:8:12: country.mmdb: this is no MaxMind database: ";
    assert!(told.starts_with(begins), "{told}");
}

#[tokio::test]
async fn a_changed_database_is_followed_and_a_bad_one_keeps_the_old() {
    let directory = Directory::new();
    write(&directory, DATABASE);
    let balancer = Balancer::start(origin(&directory)).await;
    assert_eq!(country(&balancer, [1, 2, 3, 4]), Country::parse("CN"));

    write(&directory, b"half of it");
    until("a bad database is refused", || balancer.control.renewals().1 == 1).await;
    assert_eq!(country(&balancer, [1, 2, 3, 4]), Country::parse("CN"));

    let mut another = DATABASE.to_vec();
    let epoch = 1_700_000_000_u32.to_be_bytes();
    let built = another.windows(4).rposition(|part| part == epoch).expect("it is written");
    another[built + 3] += 1;
    let place = another.windows(2).position(|part| part == b"CN").expect("it is there");
    another[place..place + 2].copy_from_slice(b"TW");
    write(&directory, &another);
    until("a good database is followed", || balancer.control.renewals().0 == 1).await;
    assert_eq!(country(&balancer, [1, 2, 3, 4]), Country::parse("TW"));
    let event = balancer.control.events(2).events.remove(0);
    assert_eq!(event.message, "addresses are in countries as another Test-Country says");
}
