//! Words that are told apart by a program and read by a person.

/// An enumeration of words that stand in JSON, reports and pages: each with its text, which is the same everywhere.
/// For the crates of this project.
#[doc(hidden)]
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub enum $type { $($(#[$doc])* #[serde(rename = $text)] $variant,)+ }

        impl $type {
            /// All of them, in the order of this documentation.
            pub const ALL: &[$type] = &[$($type::$variant,)+];

            /// The word as it stands in reports.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text,)+ }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
