//! The walls between the crates, held by a test over what each package really links (`cargo tree`). It links nothing
//! itself.
