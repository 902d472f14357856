//! HTTPS with a private authority.

use std::{
    io::{Write as _, copy},
    net::TcpStream,
    thread,
};

use super::{ONE, TWO, kept, large, stored};
use crate::harness::{Nginx, Raw, Site, Store, head, resource};

const LATER: &str = "491231235959Z";
const CA: &str = "extra_ca = [\"../ca.pem\"]";

/// A site with an authority, and a server with a certificate of it for `names` until `end`.
fn server(site: &Site, names: &str, end: &str, directives: &str) -> Nginx {
    site.make_authority();
    site.make_certificate("server", names, end);
    site.serve_tls("server", directives)
}

/// A certificate of the authority and its key, both in `both.pem`.
fn client_certificate(site: &Site) -> String {
    site.make_certificate("client", "DNS:client", LATER);
    let pem = [site.path("client.pem"), site.path("client.key")].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(site.path("both.pem"), pem.concat()).unwrap();
    pem.concat()
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let nginx = server(&site, "IP:127.0.0.1", LATER, "");
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], CA);
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.sync().is(0, &["flags.json unchanged done not-modified"]);
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn http_2_is_spoken_where_it_is_offered() {
    let Some(site) = Site::new() else { return };
    site.make_authority();
    site.make_certificate("server", "IP:127.0.0.1", LATER);
    let large = large();
    site.publish("flags.json", &large);
    let nginx = site.serve_http2("server", "if ($server_protocol != HTTP/2.0) { return 505; }");
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], CA);
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.sync().is(0, &["flags.json unchanged done not-modified"]);
    store.store_is(&[("flags.json", &large)]);
    site.put("flags.json", TWO);
    store.sync().is(1, &["flags.json kept signature signature-mismatch"]);
    store.store_is(&[("flags.json", &large)]);
}

#[test]
fn a_host_name_is_checked_against_the_certificate() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let nginx = server(&site, "DNS:localhost", LATER, "");
    let url = format!("https://localhost:{}/flags.json", nginx.port());
    let store = Store::with(&site, "flags.json", &[url], CA);
    // When it ends is known from then on, whether anything changed or not.
    for outcome in ["stored done first-version", "unchanged done not-modified"] {
        store.sync().is(0, &[&format!("flags.json {outcome}")]);
        let entry = &store.run(&["explain", "flags.json"]).json["entry"];
        assert_eq!(entry["tls_until"], "2049-12-31T23:59:59Z", "{entry:#}");
    }
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn a_private_authority_is_not_trusted_where_it_is_not_named() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let mut nginx = server(&site, "IP:127.0.0.1", LATER, "");
    let run = kept(&store, nginx.url("flags.json"), "", "tls certificate-refused");
    assert_eq!(run.member("found"), "one from an unknown authority");
    assert_eq!(nginx.requests(), [""; 0], "nothing was asked");
}

#[test]
fn another_authority_does_not_help() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let nginx = server(&site, "IP:127.0.0.1", LATER, "");
    site.make_authority();
    kept(&store, nginx.url("flags.json"), CA, "tls certificate-refused");
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let nginx = server(&site, "DNS:other.example,IP:127.0.0.2", LATER, "");
    kept(&store, nginx.url("flags.json"), CA, "tls certificate-refused");
}

#[test]
fn an_expired_certificate_is_refused() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let nginx = server(&site, "IP:127.0.0.1", "210101000000Z", "");
    let run = kept(&store, nginx.url("flags.json"), CA, "tls certificate-refused");
    assert!(run.member("found").as_str().unwrap().contains("expired"), "{}", run.stdout);
}

#[test]
fn https_to_a_plain_port_fails_in_the_handshake() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    kept(&store, format!("https://127.0.0.1:{}/flags.json", nginx.port()), "", "tls tls-failed");
}

#[test]
fn plain_http_to_a_tls_port_is_told_as_the_server_tells_it() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = server(&site, "IP:127.0.0.1", LATER, "");
    let url = format!("http://127.0.0.1:{}/flags.json", nginx.port());
    let run = kept(&store, url, "", "http http-status");
    assert_eq!(run.member("http_status"), 400);
}

#[test]
fn a_server_that_hangs_up_in_the_handshake_fails_there() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = server(&site, "IP:127.0.0.1", LATER, "ssl_reject_handshake on;");
    kept(&store, nginx.url("flags.json"), CA, "tls tls-failed");
}

#[test]
fn a_client_certificate_is_shown_where_it_is_named() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let verify = format!("ssl_verify_client on; ssl_client_certificate {};", site.path("ca.pem").display());
    let nginx = server(&site, "IP:127.0.0.1", LATER, &verify);
    let pem = client_certificate(&site);

    site.publish("flags.json", TWO);
    let run = kept(&store, nginx.url("flags.json"), CA, "http http-status");
    assert_eq!(run.member("http_status"), 400, "nginx says so when no certificate was shown");

    let settings = format!("{CA}\nclient_certificate = \"../both.pem\"");
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], &settings));
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", TWO)]);

    store.env("CLIENT_PEM", &pem);
    let settings = format!("{CA}\nclient_certificate = \"env:CLIENT_PEM\"");
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], &settings));
    store.sync().is(0, &["flags.json unchanged done not-modified"]);
}

#[test]
fn a_client_certificate_does_not_follow_a_redirect_to_another_server() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    // It asks everyone for a certificate, and says whether it saw one.
    let asks = "ssl_verify_client optional_no_ca; if ($ssl_client_verify != NONE) { return 418; }";
    let other = server(&site, "IP:127.0.0.1", LATER, asks);
    let ca = site.path("ca.pem").display().to_string();
    let home = site.serve_tls(
        "server",
        &format!(
            "ssl_verify_client on; ssl_client_certificate {ca}; location = /flags.json {{ return 302 {}; }}",
            other.url("flags.json"),
        ),
    );
    client_certificate(&site);
    site.publish("flags.json", TWO);
    // The authority is the system's, so that both servers are trusted and only the certificate makes the difference.
    store.env("SSL_CERT_FILE", &ca);
    let settings = "client_certificate = \"../both.pem\"";
    store.configure("", &resource("flags.json", &[home.url("flags.json")], settings));
    let run = store.sync();
    assert_ne!(run.member("http_status"), 418, "the other server saw the certificate");
    run.is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", TWO)]);
}

#[test]
fn a_private_authority_does_not_vouch_for_a_server_behind_a_redirect() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let mut other = server(&site, "IP:127.0.0.1", LATER, "");
    let home = site.serve_tls("server", &format!("location / {{ return 302 {}; }}", other.url("flags.json")));
    kept(&store, home.url("flags.json"), CA, "tls certificate-refused");
    assert_eq!(other.requests(), [""; 0]);
}

/// As in a container from scratch.
#[test]
fn a_system_without_authorities_reaches_plain_servers_and_trusts_no_other() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let (plain, secure) = (site.serve(""), server(&site, "IP:127.0.0.1", LATER, ""));
    let store = Store::with(&site, "flags.json", &[plain.url("flags.json")], "");
    for (name, nothing) in [("SSL_CERT_FILE", "none.pem"), ("SSL_CERT_DIR", "none")] {
        store.env(name, &site.path(nothing).display().to_string());
    }
    store.sync().is(0, &["flags.json stored done first-version"]);
    let run = kept(&store, secure.url("flags.json"), "", "tls certificate-refused");
    assert_eq!(run.member("found"), "one from an unknown authority");
    store.configure("", &resource("flags.json", &[secure.url("flags.json")], CA));
    store.sync().is(0, &["flags.json unchanged done same-bytes"]);
    store.store_is(&[("flags.json", ONE)]);
}

/// A proxy that alone knows where `flags.invalid` is.
fn tunnel_to(port: u16) -> Raw {
    Raw::serve(move |place, mut client| {
        head(&mut client);
        if place != "flags.invalid:443" {
            return;
        }
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || copy(&mut from, &mut to));
        let _ = copy(&mut server, &mut client);
    })
}

#[test]
fn a_proxy_sees_only_where_a_tunnel_leads() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let mut nginx = server(&site, "DNS:flags.invalid", LATER, "");
    let proxy = tunnel_to(nginx.port());
    let settings = format!("{CA}\nallow_private = false");
    let store = Store::with(&site, "flags.json", &["https://flags.invalid/flags.json".to_owned()], &settings);
    store.env("HTTPS_PROXY", &proxy.url(""));
    store.sync().is(0, &["flags.json stored done first-version"]);
    assert_eq!(nginx.requests(), ["200 /flags.json", "200 /flags.json.sig"]);
    store.store_is(&[("flags.json", ONE)]);

    // The certificate is that of the source, whoever carries it.
    site.make_certificate("server", "DNS:other.invalid", LATER);
    let other = site.serve_tls("server", "");
    let proxy = tunnel_to(other.port());
    store.env("HTTPS_PROXY", &proxy.url(""));
    let run = store.sync();
    run.is(1, &["flags.json kept tls certificate-refused"]);
    let through = "a trusted certificate for flags.invalid, through ";
    assert!(run.member("expected").as_str().unwrap().starts_with(through), "{}", run.stdout);
}
