use std::path::Path;
use std::time::Duration;

use super::*;
use crate::wire::catalog_commands_from_toml;

fn settings(file: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("creditd.toml");
    std::fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Settings::read(Some(&path), environment)
}

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    settings(file, environment)?.check()
}

/// What is wrong, without the folder of the file.
fn wrong(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let problems = load(file, environment).unwrap_err().0;
    let place = |problem: &Problem| problem.place.rsplit('/').next().unwrap_or_default().to_owned();
    problems.iter().map(|problem| format!("{}: {}", place(problem), problem.what)).collect()
}

#[test]
fn the_shipped_file_has_every_setting_with_its_default() {
    // `Raw` has no optional field: were a key missing from the file or not known, this would fail.
    let config = load("", &[]).unwrap();
    assert_eq!((config.history.limits, config.history.keep), (history::Limits::default(), None));
    assert_eq!(config.checkpoint_every, Duration::from_secs(10));
    let (public_url, portal_page) = (String::new(), "/v1/orgs/{org}".to_owned());
    let listen = "127.0.0.1:8427".parse().unwrap();
    assert_eq!(config.http, Http { listen, max_body: 8 << 20, public_url, portal_page, tls: None });
    let webhooks = Webhooks {
        allowed_networks: Vec::new(),
        attempt_limit: Duration::from_secs(15),
        give_up_after: Duration::from_secs(86_400),
        parallel: 64,
    };
    assert_eq!(config.webhooks, webhooks);
    let LogHome::Local(options) = config.log else { panic!("the default log is local") };
    assert_eq!(options, local::Options::default());

    let LogHome::JetStream(nats) = load("[log]\nkind = \"jetstream\"", &[]).unwrap().log else {
        panic!("jetstream was asked for")
    };
    assert_eq!(format!("{:?}", nats.log), format!("{:?}", jetstream::Options::default()));
    assert_eq!((nats.alerts_stream.as_str(), nats.service), ("CREDIT_ALERTS", true));
}

#[test]
fn the_shipped_file_explains_every_setting() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    let bare = |pair: &&[&str]| pair[1].contains(" = ") && !pair[1].starts_with('#') && pair[0].is_empty();
    assert_eq!(lines.windows(2).find(bare), None, "a setting without a comment or a neighbour above it");
}

#[test]
fn the_environment_lies_over_the_file() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\n[data]\nfolder = \"here\"";
    let environment = [
        ("CREDITD_HTTP_LISTEN", "0.0.0.0:2"),
        ("CREDITD_LOG_KIND", "jetstream"),
        ("CREDITD_NATS_URLS", "nats://a:1, nats://b:2"),
        ("CREDITD_NATS_SERVICE", "false"),
        ("CREDITD_HISTORY_ROWS", "2000"),
        ("CREDITD_NATS_SERVER", "not a setting"),
        ("PATH", "/bin"),
    ];
    let config = load(file, &environment).unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!((config.data.as_path(), config.history.limits.rows), (Path::new("here"), 2_000));
    let LogHome::JetStream(nats) = config.log else { panic!("jetstream was asked for") };
    assert_eq!((nats.log.access.urls.len(), nats.service), (2, false));
}

#[test]
fn a_setting_that_is_not_there_is_refused_with_the_one_that_was_meant() {
    let text = wrong("[http]\nlisten_on = \"x\"\n[log]\nsegment = \"1 MiB\"\n[htpp]\nlisten = \"y\"", &[]);
    let answer = [
        "creditd.toml: there is no setting http.listen_on; did you mean http.listen?",
        "creditd.toml: there is no setting log.segment; did you mean log.local.segment?",
        "creditd.toml: there is no setting htpp; did you mean http?",
    ];
    assert_eq!(sorted(text), sorted(answer.map(str::to_owned).to_vec()));
    let text = wrong("", &[("CREDITD_HTTP_LISTN", "x")]);
    let answer = "the environment: there is no setting CREDITD_HTTP_LISTN; did you mean CREDITD_HTTP_LISTEN?";
    assert_eq!(text, [answer]);
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

#[test]
fn every_wrong_value_is_named_with_the_remedy_at_once() {
    let file = r#"
        log = { kind = "kafka", local = { segment = "1 kB" } }
        http = { listen = "localhost", max_body = "1 GiB" }
        nats = { replicas = 2, urls = ["http://x"], token = "t", user = "u", alerts_stream = "a b" }
        checkpoint = { every = "fast" }
        logging = { level = "loud", format = "xml" }
    "#;
    insta::assert_snapshot!(wrong(file, &[("CREDITD_HISTORY_ROWS", "1")]).join("\n"));
    insta::assert_snapshot!(
        "types",
        wrong("[http]\nmax_body = 8\n[nats]\nurls = \"nats://x\"\nmanage = 1", &[]).join("\n")
    );
    insta::assert_snapshot!(
        "environment",
        wrong("", &[("CREDITD_HISTORY_ROWS", "many"), ("CREDITD_NATS_MANAGE", "yes")]).join("\n")
    );
}

#[test]
fn everybody_is_let_in_at_home_alone_unless_that_is_said_in_so_many_words() {
    let access = |text: &str| load(text, &[]).unwrap().access;
    let at = |listen: &str, rest: &str| format!("[http]\nlisten = \"{listen}:1\"\n{rest}");
    let (jetstream, tokens) = ("[log]\nkind = \"jetstream\"", "[access]\nmode = \"tokens\"");
    for home in ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"] {
        assert!(access(&at(home, "")).open, "{home}");
        assert!(!access(&at(home, jetstream)).open, "{home}");
        assert!(!access(&at(home, tokens)).open, "{home}");
        assert!(access(&at(home, &format!("{jetstream}\n[access]\nmode = \"open\""))).open, "{home}");
    }
    for away in ["0.0.0.0", "[::]", "10.0.0.1"] {
        assert!(!access(&at(away, "")).open, "{away}");
        let text = at(away, "[access]\nmode = \"open\"");
        let why = format!(
            "creditd.toml: access.mode: \"open\" would let everybody in who reaches {away}:1; if that is meant, write \"open-to-the-network\", else \"tokens\""
        );
        assert_eq!(wrong(&text, &[]), [why]);
        let config = load(&at(away, "[access]\nmode = \"open-to-the-network\""), &[]).unwrap();
        let warning = config.access.warning(config.http.listen).unwrap();
        assert!(warning.contains("EVERYBODY ON THE NETWORK"), "{warning}");
    }
    assert!(access("").open_metrics, "where everybody is let in, the metrics are no secret");
    assert!(!access(tokens).open_metrics);
    assert!(access(&format!("{tokens}\nmetrics = \"open\"")).open_metrics);
    let why = wrong("[access]\nmode = \"closed\"\nmetrics = \"x\"", &[]);
    assert_eq!(why, ["creditd.toml: access.metrics: \"x\" is no choice; write \"open\" or \"token\""]);
}

#[test]
fn a_portal_link_leads_to_a_page_of_this_address() {
    let told = |text: &str| wrong(&format!("[http]\n{text}"), &[]).join("\n");
    assert!(told("public_url = \"credits.example\"").contains("http.public_url: "));
    for page in ["https://elsewhere", "//elsewhere", "ui", "/a b"] {
        assert!(told(&format!("portal_page = {page:?}")).contains("http.portal_page: "), "{page}");
    }
}

#[test]
fn tls_is_a_certificate_with_its_key() {
    let tls = |text: &str| load(&format!("[http.tls]\n{text}"), &[]).unwrap().http.tls.unwrap();
    let both = tls("cert = \"c.pem\"\nkey = \"/k.pem\"");
    assert!(both.certificate.ends_with("c.pem") && both.certificate.is_absolute(), "beside the file");
    assert_eq!((both.key.as_path(), both.client_ca), (Path::new("/k.pem"), None));
    assert!(tls("cert = \"c\"\nkey = \"k\"\nclient_ca = \"ca\"").client_ca.is_some());
    let told = |text: &str| wrong(&format!("[http.tls]\n{text}"), &[]).join("\n");
    assert!(told("cert = \"c\"").contains("http.tls.key: "), "{}", told("cert = \"c\""));
    assert!(told("key = \"k\"").contains("http.tls.cert: "));
    assert!(told("client_ca = \"ca\"").contains("http.tls.cert: "));
}

/// How NATS is reached by these settings.
fn reached(text: &str) -> jetstream::Access {
    let text = format!("[log]\nkind = \"jetstream\"\n[nats]\n{text}");
    let LogHome::JetStream(nats) = load(&text, &[]).unwrap().log else { panic!("jetstream was asked for") };
    nats.log.access
}

#[test]
fn there_is_one_way_to_sign_in_to_nats_and_whoever_names_files_of_tls_means_it() {
    use jetstream::Credentials;
    assert!(
        matches!(reached("nkey_seed_file = \"n.nk\"").credentials, Credentials::Nkey(path) if path.ends_with("n.nk"))
    );
    assert!(matches!(reached("credentials_file = \"/n.creds\"").credentials, Credentials::File(_)));
    assert_eq!(reached("").tls, jetstream::Tls::default());
    assert!(reached("tls = true").tls.required);
    assert!(reached("ca_file = \"ca.pem\"").tls.required);
    let first = reached("tls_first = true\ncert_file = \"c\"\nkey_file = \"k\"").tls;
    assert!(first.required && first.first && first.client.is_some());
    let told = |text: &str| wrong(&format!("[nats]\n{text}"), &[]).join("\n");
    assert!(told("token = \"t\"\nnkey_seed_file = \"n\"").contains("nats.user: "));
    assert!(told("user = \"u\"").contains("or not all of it"));
    assert!(told("cert_file = \"c\"").contains("nats.key_file: "));
    assert!(told("key_file = \"k\"").contains("nats.cert_file: "));
    let shown = told("urls = [\"nats://meter:hunter2@far:4222\"]");
    assert!(shown.contains("\"…@far:4222\" holds a password") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_network_is_one_address_or_many() {
    let file = "[webhooks]\nallowed_networks = [\"10.1.0.0/16\", \"127.0.0.1\", \"fd00::/8\"]\nparallel = 8";
    let webhooks = load(file, &[]).unwrap().webhooks;
    let networks: Vec<String> = webhooks.allowed_networks.iter().map(ToString::to_string).collect();
    assert_eq!(
        (networks, webhooks.parallel),
        (vec!["10.1.0.0/16".into(), "127.0.0.1/32".into(), "fd00::/8".into()], 8)
    );
    let file = "[webhooks]\nallowed_networks = [\"10.1.0.0/16\", \"home\"]\nparallel = 0\nattempt_limit = \"1ms\"\ngive_up_after = \"soon\"";
    let answer = [
        "webhooks.allowed_networks: \"home\" is not a network; write \"10.1.0.0/16\", or a single address",
        "webhooks.attempt_limit: \"1ms\" is too short; write at least 1s",
        "webhooks.give_up_after: \"soon\" is not a length of time; write \"500ms\", \"10s\", \"2h\" or \"7d\"",
        "webhooks.parallel: 0 is out of range; write 1 to 1024",
    ];
    assert_eq!(wrong(file, &[]), answer.map(|line| format!("creditd.toml: {line}")));
}

#[test]
fn a_mail_server_is_named_with_all_that_it_needs_or_not_at_all() {
    assert_eq!(load("", &[]).unwrap().mail, None);
    let file = "[mail]\nserver = \"smtp.example.com\"\nuser = \"meter\"\npassword = \"hush\"\nfrom = \"Usage <u@example.com>\"\n\
                public_url = \"https://meter.example.com/\"";
    let mail = load(file, &[]).unwrap().mail.unwrap();
    assert_eq!(
        (mail.port, mail.tls, mail.public_url.as_deref()),
        (587, MailTls::StartTls, Some("https://meter.example.com"))
    );
    assert!(mail.credentials.is_some() && !format!("{mail:?}").contains("hush"), "{mail:?}");
    let here = "[mail]\nserver = \"127.0.0.1\"\ntls = \"none\"\nfrom = \"u@example.com\"";
    assert_eq!(load(here, &[]).unwrap().mail.unwrap().tls, MailTls::None);
    let file = "[mail]\nserver = \"smtp.example.com\"\nport = 0\ntls = \"none\"\nuser = \"meter\"\npublic_url = \"meter\"";
    let answer = [
        "mail.tls: \"none\" is for a server on this machine, and smtp.example.com is another; write \"starttls\" or \"required\"",
        "mail.user: \"meter\" needs a password, and a password a user; give both or none",
        "mail.public_url: \"meter\" is no such address; write \"https://meter.example.com\"",
        "mail.port: 0 is no port; write 587, 465 or 25",
    ];
    assert_eq!(wrong(file, &[]), answer.map(|line| format!("creditd.toml: {line}")));
    let nobody =
        wrong("[mail]\nserver = \"localhost\"\ntls = \"tls\"\npassword_file = \"not there\"", &[]).join("\n");
    for part in ["mail.tls: \"tls\" is none", "mail.password_file: ", "cannot be read", "mail.from: \"\""] {
        assert!(nobody.contains(part), "{part}: {nobody}");
    }
}

#[test]
fn what_is_in_force_reads_back_and_shows_no_secret() {
    let environment = [
        ("CREDITD_NATS_TOKEN", "hunter2"),
        ("CREDITD_HTTP_MAX_BODY", "1 MiB"),
        ("CREDITD_MAIL_PASSWORD", "hunter2"),
    ];
    let text = settings("[catalog]\nfiles = [\"a.toml\"]", &environment).unwrap().to_toml();
    assert!(!text.contains("hunter2") && text.contains("token = \"(hidden)\""), "{text}");
    assert!(text.contains("max_body = \"1 MiB\"  # CREDITD_HTTP_MAX_BODY"), "{text}");
    assert_eq!(load(&text, &[]).unwrap().http.max_body, 1 << 20);
}

#[test]
fn the_shipped_catalogs_and_the_demo_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let config = Settings::read(Some(&folder.join("demo.toml")), []).unwrap().check().unwrap();
    assert_eq!(config.catalog.len(), 5);
    for file in &config.catalog {
        let commands = catalog_commands_from_toml(&std::fs::read_to_string(file).unwrap());
        let commands = commands.unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        assert!(commands.len() >= 2, "{} has a rate card and a plan", file.display());
    }
}
