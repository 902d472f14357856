//! What every verifier must do.
