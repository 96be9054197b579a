//! A file of past demand: request counts as CSV, plain or gzipped.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tidegate_core::scale::forecast::foresight::Forecast;
use tidegate_core::scale::trace::{self, Reading};
use tidegate_net::clock;

/// Bytes of a file, unpacked.
const BYTES_MAX: u64 = 256 << 20;
/// What a gzipped file begins with (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A forecast that knows what a file tells, as if it had seen it until now; what is wrong with the
/// file in words.
pub(super) fn read(file: &Path) -> Result<Forecast, String> {
    let text = text(file).map_err(|error| error.to_string())?;
    let trace = trace::read(&text, Reading::default()).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        mistakes.join("; ")
    })?;
    let mut forecast = Forecast::default();
    forecast.preload(trace.until(clock::unix_time()));
    Ok(forecast)
}

fn text(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    if bytes.starts_with(&GZIP) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).take(BYTES_MAX).read_to_end(&mut unpacked)?;
        bytes = unpacked;
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const ROWS: &str = "minute,requests\n2025-11-27 08:00:00,600\n2025-11-27 08:01:00,660\n";

    /// What is read of a file with this content.
    fn read_of(content: &[u8]) -> Result<Forecast, String> {
        let name = format!("tidegate-past-{:016x}", tidegate_net::entropy::word());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, content).expect("the temporary directory can be written");
        let read = read(&file);
        std::fs::remove_file(file).expect("it is ours");
        read
    }

    #[test]
    fn plain_and_gzipped_say_the_same() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(ROWS.as_bytes()).expect("a vector takes everything");
        let gzipped = gzip.finish().expect("a vector takes everything");
        let known = |content: &[u8]| read_of(content).expect("it is sound").known();
        assert!(known(ROWS.as_bytes()) > 0);
        assert_eq!(known(&gzipped), known(ROWS.as_bytes()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = read_of(b"requests\n5\nmany\n").expect_err("a row is wrong");
        assert_eq!(wrong, "line 3: \"many\" is not a count of requests");
        assert!(read_of(&[0x1f, 0x8b, 0]).is_err());
        assert!(read_of(b"\xff\xfe").is_err());
    }
}
