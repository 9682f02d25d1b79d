//! Rows whose manifest vanished without its finalizer: somebody took that off by hand, or the rows come from an older backup.
//! They are closed and kept, whatever policy they name: nobody asked for their deletion.

use crate::stores::rows::{Place, Rows};
use crate::trouble::Trouble;

/// Retains what no manifest of the cluster owns; where. Not to be called before all manifests are known.
pub async fn sweep(
    rows: &dyn Rows,
    cluster: &str,
    exists: &(dyn Fn(&Place) -> bool + Sync),
) -> Result<Vec<Place>, Trouble> {
    let mut vanished = Vec::new();
    for place in rows.owned(cluster).await? {
        if !exists(&place) {
            rows.retain(&place).await?;
            vanished.push(place);
        }
    }
    Ok(vanished)
}
