//! Writes the definitions of both resources into their chart.

use std::{fs, io, path::Path};

use tenantry_crds::{Backend, Organization, chart_template};

fn main() -> io::Result<()> {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/tenantry-crds/templates");
    fs::create_dir_all(&templates)?;
    for (name, text) in [
        ("backends.yaml", chart_template::<Backend>()),
        ("organizations.yaml", chart_template::<Organization>()),
    ] {
        fs::write(templates.join(name), text.map_err(io::Error::other)?)?;
    }
    Ok(())
}
