//! What a page of 64 KiB and an answer of 2 KiB cost in each content coding, and how small they
//! become.
//!
//! The page is a list of a shop's items: the same markup over and over, with other words and
//! numbers in it. Beside the sizes stands what `gzip -6`, which is zlib, makes of it.
//!
//!     cargo bench -p tidegate-proxy --bench encoders

#![expect(clippy::print_stdout, reason = "sizes are half of the result")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidegate_core::model::compression::{Coding, Level};
use tidegate_core::rng::Rng;
use tidegate_proxy::filter::compress::encoder::{Encoder, Flush, Setting};

const WORDS: [&str; 40] = [
    "linen", "harbour", "copper", "quiet", "folding", "walnut", "bright", "lantern", "woven",
    "stone", "river", "amber", "kettle", "notebook", "canvas", "travel", "winter", "cedar",
    "glazed", "soft", "sturdy", "brass", "compact", "garden", "velvet", "lamp", "shelf", "basket",
    "mirror", "handle", "cotton", "enamel", "ceramic", "drawer", "cushion", "outdoor", "portable",
    "ribbed", "matte", "natural",
];

fn page(bytes: usize) -> Vec<u8> {
    let mut rng = Rng::new(7);
    let mut page = String::from("<!doctype html>\n<title>Shop</title>\n<main class=\"grid\">\n");
    while page.len() < bytes {
        item(&mut rng, &mut page);
    }
    page.truncate(bytes);
    page.into_bytes()
}

fn item(rng: &mut Rng, page: &mut String) {
    let mut number = |below: u64| rng.draw() % below;
    let (id, sku, stock, cents) = (number(1 << 20), number(u64::MAX), number(200), number(90_000));
    let mut words = |count: usize| {
        let word = |_| WORDS[number(WORDS.len() as u64) as usize];
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    };
    let (title, text) = (words(3), words(24));
    let path = title.replace(' ', "-");
    let (whole, part) = (cents / 100, cents % 100);
    write!(
        page,
        "<article class=\"card\" id=\"item-{id}\" data-sku=\"{sku:016x}\">\n  \
         <a href=\"/item/{id}/{path}\"><img src=\"/img/{id:x}.jpg\" alt=\"{title}\" \
         width=\"320\" height=\"240\" loading=\"lazy\"></a>\n  \
         <h2 class=\"card-title\">{title}</h2>\n  <p class=\"card-text\">{text}</p>\n  \
         <span class=\"price\">{whole}.{part:02}</span> \
         <span class=\"stock\">{stock} left</span>\n  \
         <form method=\"post\" action=\"/cart\"><input type=\"hidden\" name=\"item\" \
         value=\"{id}\"><button class=\"buy\">Add to cart</button></form>\n</article>\n"
    )
    .expect("writing to a string does not fail");
}

/// The size that zlib gives a body at level 6.
fn zlib_size(body: &[u8]) -> usize {
    let mut gzip = Command::new("gzip")
        .args(["-6", "-n", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is there");
    let mut stdin = gzip.stdin.take().expect("it was piped");
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(body).expect("gzip reads"));
        gzip.wait_with_output().expect("gzip ends").stdout.len()
    })
}

fn encode(encoder: &mut Encoder, setting: Setting, body: &[u8], out: &mut Vec<u8>) {
    out.clear();
    encoder.renew(setting).expect("renews");
    encoder.encode(body, Flush::Never, out).expect("encodes");
    encoder.finish(out).expect("ends");
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for bytes in [64 << 10, 2 << 10] {
        let (body, mut out) = (page(bytes), Vec::with_capacity(2 * bytes));
        println!("{bytes} bytes; zlib makes {} of them", zlib_size(&body));
        group.throughput(Throughput::Bytes(bytes as u64));
        for (coding, level) in [(Coding::Gzip, 6), (Coding::Br, 5), (Coding::Zstd, 3)] {
            let level = Level::new(coding, level).expect("in range");
            let setting = Setting { coding, level, length: Some(bytes as u64) };
            let mut encoder = Encoder::new(setting).expect("memory");
            encode(&mut encoder, setting, &body, &mut out);
            println!("{} makes {}", coding.as_str(), out.len());
            group.bench_function(BenchmarkId::new(coding.as_str(), bytes), |bencher| {
                bencher.iter(|| encode(&mut encoder, setting, &body, &mut out));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bodies);
criterion_main!(benches);
