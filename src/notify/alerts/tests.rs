use super::*;

fn alert(org: &str, nth: usize) -> Outgoing {
    Outgoing {
        id: format!("{org}.credits.p60.{nth}"),
        subject: format!("credits.alerts.{org}.balance_low"),
        payload: format!("{{\"nth\":{nth}}}").into_bytes(),
    }
}

fn ids(alerts: &[Arc<Alert>]) -> Vec<&str> {
    alerts.iter().map(|alert| &alert.id[alert.id.len() - 1..]).collect()
}

async fn heard(live: &mut mpsc::Receiver<Arc<Alert>>) -> String {
    live.recv().await.unwrap().id.clone()
}

#[tokio::test]
async fn alerts_are_listed_newest_first_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = Alerts::open(folder.path()).await.unwrap();
    let all: Vec<Outgoing> = (1..=5).map(|nth| alert("acme", nth)).chain([alert("other", 9)]).collect();
    alerts.keep(all.iter()).await.unwrap();
    // A replay brings them again; a refusal is no alert.
    let refusal = Outgoing { subject: "credits.rejected.not_json".to_owned(), ..alert("acme", 8) };
    alerts.keep(all.iter().chain([&refusal])).await.unwrap();
    drop(alerts);
    let alerts = Alerts::open(folder.path()).await.unwrap();
    let first = alerts.newest("acme", None, 3);
    assert_eq!(ids(&first), ["5", "4", "3"]);
    assert_eq!((first[0].kind.as_str(), &first[0].payload[..]), ("balance_low", &b"{\"nth\":5}"[..]));
    assert_eq!(ids(&alerts.newest("acme", Some(first[2].number), 3)), ["2", "1"]);
    assert_eq!(alerts.newest("nobody", None, 3), []);
    assert_eq!(alerts.find("acme", "acme.credits.p60.2").unwrap().number, first[2].number - 1);
    assert_eq!(alerts.find("other", "acme.credits.p60.2"), None);
}

#[tokio::test]
async fn of_each_organization_and_of_all_only_the_last_are_kept() {
    let mut shelf = Shelf::default();
    let add = |shelf: &mut Shelf, org: &str, number: u64| {
        let (id, kind) = (number.to_string(), "balance_low".to_owned());
        shelf.add(org.to_owned(), Alert { number, id, kind, payload: Bytes::new() });
    };
    add(&mut shelf, "quiet", 1);
    (2..=MOST_OF_ORG as u64 + 2).for_each(|number| add(&mut shelf, "busy", number));
    let oldest = |shelf: &Shelf, org: &str| shelf.orgs.get(org).map(|own| (own.len(), own[0].number));
    assert_eq!(oldest(&shelf, "busy"), Some((MOST_OF_ORG, 3)));
    assert_eq!(oldest(&shelf, "quiet"), Some((1, 1)));
    let from = MOST_OF_ORG as u64 + 3;
    (from..=MOST_IN_ALL as u64 + 3)
        .for_each(|number| add(&mut shelf, &format!("org-{}", number % 500), number));
    assert_eq!((oldest(&shelf, "quiet"), shelf.order.len()), (None, MOST_IN_ALL));
    assert_eq!(oldest(&shelf, "busy"), Some((MOST_OF_ORG - 1, 4)));
}

#[tokio::test]
async fn a_listener_hears_what_it_missed_and_then_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = Alerts::open(folder.path()).await.unwrap();
    alerts.keep([alert("acme", 1), alert("acme", 2), alert("acme", 3)].iter()).await.unwrap();
    let mut after_first = alerts.listen("acme", Some("acme.credits.p60.1")).unwrap();
    assert_eq!(ids(&after_first.missed), ["2", "3"]);
    let mut from_now = alerts.listen("acme", None).unwrap();
    assert_eq!(from_now.missed, []);
    assert_eq!(ids(&alerts.listen("acme", Some("long gone")).unwrap().missed), ["1", "2", "3"]);
    alerts.keep([alert("other", 1), alert("acme", 3), alert("acme", 4)].iter()).await.unwrap();
    for listening in [&mut after_first, &mut from_now] {
        assert_eq!(heard(&mut listening.live).await, "acme.credits.p60.4");
    }
    alerts.hush();
    assert_eq!(from_now.live.recv().await, None);
    assert_eq!(alerts.listen("acme", None).unwrap().live.recv().await, None);
}

#[tokio::test]
async fn a_listener_that_does_not_keep_up_is_cut_off_and_so_many_may_listen() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = Alerts::open(folder.path()).await.unwrap();
    let mut slow = alerts.listen("acme", None).unwrap().live;
    let many: Vec<Outgoing> = (0..=MOST_UNHEARD).map(|nth| alert("acme", nth)).collect();
    alerts.keep(many.iter()).await.unwrap();
    for nth in 0..MOST_UNHEARD {
        assert_eq!(heard(&mut slow).await, format!("acme.credits.p60.{nth}"));
    }
    assert_eq!(slow.recv().await, None);

    let listeners: Vec<_> = (0..MOST_LISTENERS).map(|_| alerts.listen("acme", None).unwrap()).collect();
    assert!(alerts.listen("acme", None).is_none());
    assert!(alerts.listen("other", None).is_some());
    drop(listeners);
    assert!(alerts.listen("acme", None).is_some());
}
