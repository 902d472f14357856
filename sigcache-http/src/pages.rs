//! The pages for people.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
};
use http::header;

use crate::{endpoint::Inner, problem::Problem, resources::name_of};

/// How every resource stands.
#[utoipa::path(get, path = "/", responses((status = 200, description = "A page, or JSON by `Accept`")))]
pub(crate) async fn index(State(inner): State<Arc<Inner>>) -> Result<Response, Problem> {
    let loaded = inner.shelf.current().await?;
    Ok(format!("{} resources\n", loaded.holdings.resources().len()).into_response())
}

/// Why a resource is trusted, and what the last runs did about it.
#[utoipa::path(
    get,
    path = "/explain/{*name}",
    params(("name" = String, Path, description = "The name of a resource")),
    responses((status = 200, description = "A page, or JSON by `Accept`"), (status = 404, description = "Unknown", body = Problem)),
)]
pub(crate) async fn resource(
    State(inner): State<Arc<Inner>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let name = name_of(path)?;
    let _ = inner;
    Ok(name.to_string().into_response())
}

/// The style of the pages.
#[utoipa::path(get, path = "/style.css", responses((status = 200, description = "CSS", content_type = "text/css")))]
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], "").into_response()
}
