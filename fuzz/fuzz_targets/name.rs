//! The name of a resource, which becomes a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::Name;

fuzz_target!(|text: &str| {
    let Ok(name) = Name::new(text) else { return };
    assert_eq!(name.as_str(), text);
    assert_eq!(name.to_string().parse::<Name>().as_ref(), Ok(&name));
    let path = std::path::Path::new(text);
    assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))), "it climbs");
});
