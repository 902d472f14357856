//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sigcache_core::{Name, Timestamp, store::Shard};

use crate::range::ByteRange;

/// Puts signed things from other people's servers into your own store, and never a byte that it could not verify.
///
/// Exit codes: 0 everything is as it should be; 1 something is not (kept, withheld, refused), or the output could not
/// be written; 2 wrong usage, configuration, key file or damaged catalog; 3 the store cannot be reached; 141 the reader
/// of `get` left before the end.
#[derive(Debug, Parser)]
#[command(name = "sigcache", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Common {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "sigcache.toml", env = "SIGCACHE_CONFIG")]
    pub(crate) config: PathBuf,
    /// Print JSON; its schema is in docs/output.schema.json.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only what is not as it should be.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log each decision and step to standard error, as text or as JSON lines.
    #[arg(long, global = true, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    /// Judge as if it were this time (RFC 3339). `sync` writes what follows from it into the store: for drills on a copy.
    #[arg(long, global = true, value_name = "TIME", env = "SIGCACHE_AT", hide_env_values = true)]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum LogForm {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a configuration file to start from.
    Init(InitArgs),
    /// Fetch, verify, and only then store.
    Sync(SyncArgs),
    /// Serve verified documents and the status page over HTTP, and sync on a schedule.
    Serve(ServeArgs),
    /// Say how every resource stands.
    Status {
        /// Only these resources.
        names: Vec<Name>,
    },
    /// Write a stored document to standard output or a file, verified again on the way.
    Get(GetArgs),
    /// Write a stored document into one file with its signature, keys, receipt and policy, to be verified elsewhere.
    Export(ExportArgs),
    /// Say why a document is trusted, or why there is none.
    Explain {
        /// The resource.
        name: Name,
    },
    /// List what the runs did about a resource, the newest first.
    History(HistoryArgs),
    /// Verify everything in the store again, offline.
    Audit(AuditArgs),
    /// Verify a file in hand, without store or network.
    Verify(VerifyArgs),
    /// Prove that each check works: serve broken twins of what is stored to a run in memory, and see each one caught.
    Test(TestArgs),
    /// Check the chain from the configuration to the plain copies, or the one of a deployment on AWS, link by link, and name
    /// the first broken one.
    Doctor(DoctorArgs),
    /// Sign a new version of the endpoint function on AWS, upload it, and follow it until the alias has moved.
    #[cfg(feature = "aws")]
    Deploy(DeployArgs),
    /// Take away what nobody can need any more.
    Gc(GcArgs),
    /// Divide the store into another number of shards, while no run is under way.
    Reshard(ReshardArgs),
    /// Allow the next version of a resource to be older than what was accepted before; recorded with the reason.
    AllowRollback(RollbackArgs),
    /// List every key, the configured and the anchored ones: what it is, how long it may sign, and what relies on it.
    Keys,
    /// Make a key pair, for ECDSA on P-256 or for Ed25519, also in the form of minisign.
    Keygen(KeygenArgs),
    /// Sign files: a detached signature or one of minisign beside each, or a JSON Web Signature around each.
    Sign(SignArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ShardArgs {
    /// Look only after this part of the names.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where to write it; the default is the file that --config names.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only these resources.
    pub(crate) names: Vec<Name>,
    #[command(flatten)]
    pub(crate) shard: ShardArgs,
    /// Fetch, verify and judge, but write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fetch, verify and store everything anew, also what is stored already.
    #[arg(long)]
    pub(crate) refetch: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// How often to sync, such as 1h or 15m.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) every: Option<Duration>,
    /// When to sync, as a line of cron in UTC, such as "17 * * * *".
    #[arg(long, value_name = "LINE", conflicts_with = "every")]
    pub(crate) cron: Option<String>,
    /// Only serve; something else syncs.
    #[arg(long)]
    pub(crate) no_sync: bool,
    #[command(flatten)]
    pub(crate) shard: ShardArgs,
}

fn span(text: &str) -> Result<Duration, String> {
    let span = sigcache_core::config::duration(text).filter(|span| *span >= Duration::from_secs(1));
    span.ok_or_else(|| "expected a span of at least 1s, such as 90s, 15m or 1h".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The resource.
    pub(crate) name: Name,
    /// Write to this file, which appears only when the whole document was verified.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Only these bytes, counted from 0: FIRST-LAST, FIRST- to the end, or -COUNT from the end. The whole document is
    /// verified all the same.
    #[arg(long, value_name = "FIRST-LAST", allow_hyphen_values = true, value_parser = ByteRange::parse)]
    pub(crate) range: Option<ByteRange>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The resource.
    pub(crate) name: Name,
    /// Write to this file, which appears only when the whole document was verified; the default is standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The resource.
    pub(crate) name: Name,
    /// How many runs to look back.
    #[arg(long, default_value_t = 50)]
    pub(crate) runs: usize,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The document.
    #[arg(required_unless_present = "bundle")]
    pub(crate) file: Option<PathBuf>,
    /// Verify this bundle, as `export` writes it, by what is in it alone. Its keys are as trustworthy as who handed it
    /// over; with --key only those count that are named.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "name", "format", "words", "identity", "signatures"])]
    pub(crate) bundle: Option<PathBuf>,
    /// Verify it as this resource of the configuration.
    #[arg(long = "as", value_name = "NAME", conflicts_with = "keys")]
    pub(crate) name: Option<Name>,
    /// Verify it with this public key; may be given more than once.
    #[arg(long = "key", value_name = "FILE", required_unless_present_any = ["name", "bundle"])]
    pub(crate) keys: Vec<PathBuf>,
    /// How it is signed: one of the formats that a `verify` of the configuration may have.
    #[arg(long, default_value = "detached", conflicts_with = "name")]
    pub(crate) format: String,
    /// A word of that `verify` with its value, as in the configuration: --with 'namespace = "file"'.
    #[arg(long = "with", value_name = "WORD = VALUE", conflicts_with = "name")]
    pub(crate) words: Vec<String>,
    /// What the document must say that it is, where the format tells.
    #[arg(long, conflicts_with = "name")]
    pub(crate) identity: Option<String>,
    /// The signature file; the default is the document's name with the suffix of the format (.sig if it has none), or with
    /// those of the resource. Of several suffixes give one for each, in their order.
    #[arg(long = "signature", value_name = "FILE")]
    pub(crate) signatures: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) shard: ShardArgs,
    /// Make plain copies that are missing or wrong anew, from the verified versions.
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only these resources.
    pub(crate) names: Vec<Name>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) shard: ShardArgs,
    /// Ask no source.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Tell of keys and certificates that end within this time.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    pub(crate) within: Duration,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    /// Check the chain on AWS that this file names, and nothing else: what `terraform output -json chain` prints.
    #[arg(long, value_name = "CHAIN.json", conflicts_with_all = ["offline", "shard", "within"])]
    pub(crate) aws: Option<PathBuf>,
    /// Send the release that is in service once more through the whole chain, which changes nothing, and see it arrive.
    #[arg(long, requires = "aws")]
    pub(crate) probe: bool,
    /// How long to wait for the probe.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = span, requires = "probe")]
    pub(crate) timeout: Duration,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The artifact: a zip archive with the program of the endpoint function.
    pub(crate) artifact: PathBuf,
    /// The private key (PEM) of a release key, as `keygen --algorithm ed25519 --minisign` makes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The chain: what `terraform output -json chain` prints.
    #[arg(long, value_name = "CHAIN.json")]
    pub(crate) chain: PathBuf,
    /// What to call it in the upload bucket; the default is FUNCTION.zip, the same each time, which puts events in order.
    #[arg(long, value_name = "NAME.zip")]
    pub(crate) name: Option<String>,
    /// How long to follow it.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = span)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    #[command(flatten)]
    pub(crate) shard: ShardArgs,
    /// Only list what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep at least this many snapshots and what they name.
    #[arg(long, default_value_t = 48)]
    pub(crate) keep: usize,
    /// Keep everything younger than this many hours; at least 24, since runs and readers may be under way.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(24..))]
    pub(crate) hours: u64,
    /// Keep reports younger than this many days.
    #[arg(long, default_value_t = 90)]
    pub(crate) report_days: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ReshardArgs {
    /// Into how many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub(crate) to: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The resource.
    pub(crate) name: Name,
    /// Why going back is right; it is kept in the log.
    #[arg(long)]
    pub(crate) reason: String,
}

/// What a new key signs with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    P256,
    /// Ed25519.
    Ed25519,
}

/// What `sign` writes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SignFormat {
    /// The signature alone: ECDSA in DER, Ed25519 in its 64 bytes.
    Detached,
    /// A signature file of minisign, with the time and the file's name in its signed comment; by an Ed25519 key.
    Minisign,
    /// The document in a JSON Web Signature (compact), ES256 or EdDSA.
    Jws,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// What the key signs with.
    #[arg(long, value_enum, default_value_t = KeyAlgorithm::P256)]
    pub(crate) algorithm: KeyAlgorithm,
    /// Write the public key as minisign reads it, to PATH.pub, and not as PEM; with --algorithm ed25519.
    #[arg(long)]
    pub(crate) minisign: bool,
    /// The path to write to: PATH.key.pem (private, readable by you alone) and PATH.pub.pem (public).
    pub(crate) path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The private key (PEM), ECDSA on P-256 or Ed25519, as `keygen` or openssl writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = SignFormat::Detached)]
    pub(crate) format: SignFormat,
    /// What is appended to the name of each file; the default is .sig, .minisig or .jws.
    #[arg(long)]
    pub(crate) suffix: Option<String>,
    /// The files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}
