//! What every fetcher must do.
