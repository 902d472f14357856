//! The harness itself: a check of the store that never fails would prove nothing.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{ONE, TWO, stored};
use crate::harness::Site;

#[test]
fn whatever_does_not_belong_in_the_store_is_noticed() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let latest = store.path().join("latest/flags.json");
    let signature = store.path().join("latest/flags.json.sig");
    let intruders: [(&str, &[u8]); 5] = [
        ("versions/flags.json/20261124T120000.000Z-1", TWO),
        ("latest/other.json", ONE),
        ("versions/flags.json/20261124T120000.000Z-2#1", ONE),
        ("latest/flags.json.sig.old", b""),
        ("notes", b""),
    ];
    let notices = |expected: &[(&str, &[u8])]| {
        // The panics are what is wanted here, so they appear in the output only when this test fails.
        catch_unwind(AssertUnwindSafe(|| store.store_is(expected))).is_err()
    };
    assert!(!notices(&[("flags.json", ONE)]));
    for (key, bytes) in intruders {
        let path = store.path().join(key);
        fs::write(&path, bytes).unwrap();
        assert!(notices(&[("flags.json", ONE)]), "{key}");
        fs::remove_file(&path).unwrap();
    }
    assert!(notices(&[]) && notices(&[("flags.json", TWO)]) && notices(&[("flags.json", ONE), ("other.json", ONE)]));
    for path in [latest, signature] {
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(notices(&[("flags.json", ONE)]), "without {}", path.display());
        fs::write(&path, b"another").unwrap();
        assert!(notices(&[("flags.json", ONE)]), "with another {}", path.display());
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    assert!(!notices(&[("flags.json", ONE)]));
}
