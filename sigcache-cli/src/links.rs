//! A chain of links: each has a word that is printed, and a question that the page about the chain has too.

macro_rules! links {
    ($($(#[$doc:meta])* $variant:ident = $text:literal asks $asks:literal,)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Link { $($(#[$doc])* $variant,)+ }

        impl Link {
            /// All of them, in the order of the chain.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it is printed.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The question.
            #[cfg(test)]
            const fn asks(self) -> &'static str {
                match self { $(Self::$variant => $asks,)+ }
            }
        }

        impl ::serde::Serialize for Link {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use links;
