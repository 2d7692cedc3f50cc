//! The result of a verification for people: `report.html`.

mod html;
mod meaning;

pub(crate) use ceremony_folder::report::*;
pub(crate) use html::html;
