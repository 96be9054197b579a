//! `[route.NAME.response.compress]` to the model.

use crate::config::raw::tree::Table;
use crate::config::text::{media, size};
use crate::model::compression::{Coding, Compression, Level, Levels};
use crate::model::ratio::Ratio;

/// `Some(None)`: off.
pub(crate) fn compression(response: &Table) -> Option<Option<Compression>> {
    let compression = response.optional("compress", |value| read(value.table()?))?;
    Some(compression.filter(|compression| !compression.codings.is_empty()))
}

fn read(table: &Table) -> Option<Compression> {
    let levels = table.table("level")?;
    let level = |coding: Coding| Level::new(coding, levels.integer(coding.as_str())?);
    Some(Compression {
        codings: codings(table)?,
        types: table.parse_list("types", media::media)?,
        bytes_min: table.parse("min_bytes", size::size)?,
        levels: Levels {
            zstd: level(Coding::Zstd)?,
            br: level(Coding::Br)?,
            gzip: level(Coding::Gzip)?,
        },
        cpu_ceiling: Ratio::new(table.number("cpu_ceiling")?)?,
    })
}

/// In the order they are written, each once.
fn codings(table: &Table) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for item in table.list("encodings")? {
        let name = item.text()?;
        let coding = Coding::ALL.into_iter().find(|coding| coding.as_str() == name)?;
        if !codings.contains(&coding) {
            codings.push(coding);
        }
    }
    Some(codings)
}
