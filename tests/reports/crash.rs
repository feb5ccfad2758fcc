//! A crash between the server's taking of a mail and our knowing it: the mail goes out again, and everybody can tell that it is the same.

use crate::{Scene, monthly, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_answer_a_crash_cut_off_is_sent_again_under_the_same_id() {
    let mut scene = Scene::at("2026-02-01T06:59:00Z").await;
    scene.put("monthly", monthly()).await;
    // The server has the mail, and takes its time to say so.
    scene.mailbox.answer("hold", &["20"]);
    scene.clock("2026-02-01T06:59:58Z");
    until("the mail", || scene.mailbox.mails().len() == 1).await;
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    let mails = scene.mailbox.wait_for(2).await;
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].header("Date"), mails[1].header("Date"));
    let sent = scene.sending("monthly", "the outcome", |sending| sending["state"] == "sent").await;
    assert_eq!((&sent["number"], &sent["due"]), (&1.into(), &"2026-02-01T07:00:00Z".into()));
    // A month later it is the next one, and not this one again.
    scene.clock("2026-03-01T06:59:59Z");
    let mails = scene.mailbox.wait_for(3).await;
    assert_eq!(mails[2].header("Subject"), "Usage of Ana & Söhne: February 2026");
    assert_ne!(mails[2].header("Message-ID"), mails[1].header("Message-ID"));
}
