//! What must not compile: bytes that were not verified cannot be sealed. Each case stands beside a twin that does
//! compile, since any other compile error would satisfy it too.

#[test]
fn unverified_bytes_cannot_be_sealed() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/*_pass.rs");
    cases.compile_fail("tests/ui/*_fail.rs");
}
