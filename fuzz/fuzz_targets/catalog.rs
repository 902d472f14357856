//! A catalog snapshot from a bucket that somebody else can write to.
//!
//! A fuzzer cannot guess a gzip checksum, so the input is also tried as what is inside.
#![no_main]

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use sigcache_core::store::Catalog;

fuzz_target!(|bytes: &[u8]| {
    let _ = Catalog::decode(bytes, "0001-of-0001", 1);
    let mut packer = GzEncoder::new(Vec::new(), Compression::none());
    packer.write_all(bytes).expect("memory");
    let packed = packer.finish().expect("memory");
    if let Ok(catalog) = Catalog::decode(&packed, "0001-of-0001", 1) {
        let again = Catalog::decode(&catalog.encode().expect("what was read fits"), "0001-of-0001", 1)
            .expect("what was read can be written and read");
        assert_eq!(catalog.entries().len(), again.entries().len());
    }
});
