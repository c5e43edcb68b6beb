//! Which weights the network has: those of a folder of the page, or the visitor's own.

use std::rc::Rc;

/// Folder of the weights that every visitor gets.
pub const OWN_FOLDER: &str = "weights";

/// Where weights come from.
#[derive(Debug, Clone, PartialEq)]
pub enum WeightsSource {
    /// A folder beside the page.
    Folder(String),
    /// Files of the visitor.
    Visitor(Rc<VisitorWeights>),
}

/// Weights that a visitor brought.
#[derive(Debug, PartialEq)]
pub struct VisitorWeights {
    /// Name of the file of weights.
    pub name: String,
    /// Bytes of its manifest.
    pub manifest: Vec<u8>,
    /// Bytes of the file.
    pub weights: Vec<u8>,
}

impl Default for WeightsSource {
    fn default() -> Self {
        Self::Folder(OWN_FOLDER.into())
    }
}

impl WeightsSource {
    /// The folder, where they are of one.
    pub fn folder(&self) -> Option<&str> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Visitor(_) => None,
        }
    }
}
