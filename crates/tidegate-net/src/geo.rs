//! In which country addresses are, by a database that the user has.
//!
//! The file is MaxMind's format, as GeoLite2, GeoIP2 and DB-IP have it, read whole: a look-up walks
//! a tree of bits in memory and allocates nothing. An address that the database does not know, or
//! says something else of than a country, is in none.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{PathElement, Reader};
use thiserror::Error;
use tidegate_core::model::audience::Country;

/// Where a database keeps the two letters.
const LETTERS: [PathElement<'_>; 2] = [PathElement::Key("country"), PathElement::Key("iso_code")];

/// Countries by address.
pub struct Countries(Reader<Vec<u8>>);

/// What is wrong with a database.
#[derive(Debug, Error)]
pub enum GeoError {
    /// It is something else, or damaged.
    #[error("this is no MaxMind database: {0}")]
    NoDatabase(#[from] maxminddb::MaxMindDbError),
    /// It is one of something else, such as of networks.
    #[error("this database, of type {0:?}, does not say in which country addresses are")]
    NoCountries(String),
}

impl Countries {
    /// The countries of a database, by what its file holds.
    ///
    /// # Errors
    /// It holds something else.
    pub fn new(bytes: Vec<u8>) -> Result<Self, GeoError> {
        let reader = Reader::from_source(bytes)?;
        let kind = &reader.metadata().database_type;
        // All that are made say so in their name: databases of countries, cities, enterprises.
        if !["Country", "City", "Enterprise"].iter().any(|word| kind.contains(word)) {
            return Err(GeoError::NoCountries(kind.clone()));
        }
        Ok(Self(reader))
    }

    /// Whether another one is the same build of the same database.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let build = |one: &Self| {
            let metadata = one.0.metadata();
            (metadata.database_type.clone(), metadata.build_epoch, metadata.node_count)
        };
        build(self) == build(other)
    }

    /// The country of an address, if the database knows it.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let found = self.0.lookup(address.to_canonical()).ok()?;
        Country::parse(found.decode_path::<&str>(&LETTERS).ok()??)
    }
}

/// Which database it is.
impl fmt::Display for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.metadata().database_type)
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Countries").field(&self.0.metadata().database_type).finish()
    }
}
