//! Use cases of what a user wants to be told of: always the caller's own.

use super::NotificationType;
use super::model::{Channel, EVERY_OTHER, Preference, Preferences, SetPreferences};
use super::store;
use crate::error::Error;
use crate::operation::{Reader, Reply, Work};

/// What the caller has said, and what that comes to.
pub(super) async fn get(reader: &Reader) -> Result<Preferences, Error> {
    let mut tx = reader.begin().await?;
    let items = store::preferences(&mut tx, reader.caller.subject).await?;
    tx.commit().await?;
    Ok(with_effect(items))
}

/// Replaces what the caller has said.
pub(super) async fn set(
    work: &mut Work,
    input: SetPreferences,
) -> Result<Reply<Preferences>, Error> {
    let user = work.caller.subject;
    store::replace_preferences(work.tx(), user, &input.items).await?;
    let items = store::preferences(work.tx(), user).await?;
    Ok(Reply::ok(with_effect(items)))
}

fn with_effect(items: Vec<Preference>) -> Preferences {
    let every = NotificationType::ALL
        .into_iter()
        .flat_map(|kind| Channel::ALL.into_iter().map(move |channel| (kind, channel)));
    let effective = every.map(|(kind, channel)| Preference {
        kind: kind.as_str().to_owned(),
        channel,
        enabled: is_wanted(&items, kind, channel),
    });
    let effective = effective.collect();
    Preferences { items, effective }
}

/// The type's own entry, else that of all others, else the default; `store::insert` decides alike.
fn is_wanted(items: &[Preference], kind: NotificationType, channel: Channel) -> bool {
    let said = |of: &str| items.iter().find(|item| item.kind == of && item.channel == channel);
    said(kind.as_str())
        .or_else(|| said(EVERY_OTHER))
        .map_or(kind.is_on(channel), |item| item.enabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &str, channel: Channel, enabled: bool) -> Preference {
        Preference { kind: kind.to_owned(), channel, enabled }
    }

    #[test]
    fn a_types_own_entry_goes_before_that_of_all_others_and_both_before_the_default() {
        let offered = NotificationType::SeatOffered;
        let joined = NotificationType::StudentJoined;
        assert!(is_wanted(&[], offered, Channel::Email) && !is_wanted(&[], joined, Channel::Email));
        let none = [item("*", Channel::Email, false)];
        assert!(!is_wanted(&none, offered, Channel::Email));
        assert!(is_wanted(&none, offered, Channel::InApp));
        let one = [item("*", Channel::Email, false), item("STUDENT_JOINED", Channel::Email, true)];
        assert!(is_wanted(&one, joined, Channel::Email));
        assert!(!is_wanted(&one, offered, Channel::Email));
    }
}
