//! The result of a verification for people: `report.html`.

mod html;

pub(crate) use ceremony_folder::report::*;
pub(crate) use html::html;
