//! The routes, each with what a request to it needs. No route can be added without: there is no other way to add one.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodFilter};
use std::sync::Arc;

use super::Face;
use crate::access::Permission;

/// What a request to a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The permission; none where nobody is asked who they are.
    pub permission: Option<Permission>,
    /// What of the organizations it reaches.
    pub reach: Reach,
    /// Whether it can be kept to some accounts. Otherwise it is refused to whom is bound to some.
    pub by_account: bool,
}

/// What of the organizations a route reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one that its path names.
    Org,
    /// Those that its body names, or that it lists: each is looked at.
    Each,
    /// All, or the daemon as a whole: only for whom is bound to none.
    Whole,
}

impl Rule {
    /// Kept to the accounts of whom asks, too.
    pub(super) const fn by_account(self) -> Rule {
        Rule { by_account: true, ..self }
    }
}

const fn rule(permission: Permission, reach: Reach) -> Rule {
    Rule { permission: Some(permission), reach, by_account: false }
}

/// For a route about the organization that its path names.
pub(super) const fn org(permission: Permission) -> Rule {
    rule(permission, Reach::Org)
}

/// For a route that looks at each organization by itself.
pub(super) const fn each(permission: Permission) -> Rule {
    rule(permission, Reach::Each)
}

/// For a route about everything.
pub(super) const fn whole(permission: Permission) -> Rule {
    rule(permission, Reach::Whole)
}

/// For a route that anybody may ask.
pub(super) const fn free() -> Rule {
    Rule { permission: None, reach: Reach::Whole, by_account: true }
}

/// A route with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` is `HEAD`, too.
    pub method: Method,
    /// With `{names}` where it differs.
    pub path: String,
    /// What a request to it needs.
    pub rule: Rule,
}

/// Routes that are gathered.
pub(super) struct Routes {
    pub(super) router: Router<Arc<Face>>,
    pub(super) table: Vec<Route>,
}

impl Routes {
    pub(super) fn new() -> Routes {
        Routes { router: Router::new(), table: Vec::new() }
    }

    pub(super) fn get<T: 'static>(
        self,
        path: &str,
        rule: Rule,
        handler: impl Handler<T, Arc<Face>>,
    ) -> Routes {
        self.on((Method::GET, MethodFilter::GET), path, rule, handler)
    }

    pub(super) fn post<T: 'static>(
        self,
        path: &str,
        rule: Rule,
        handler: impl Handler<T, Arc<Face>>,
    ) -> Routes {
        self.on((Method::POST, MethodFilter::POST), path, rule, handler)
    }

    pub(super) fn put<T: 'static>(
        self,
        path: &str,
        rule: Rule,
        handler: impl Handler<T, Arc<Face>>,
    ) -> Routes {
        self.on((Method::PUT, MethodFilter::PUT), path, rule, handler)
    }

    pub(super) fn delete<T: 'static>(
        self,
        path: &str,
        rule: Rule,
        handler: impl Handler<T, Arc<Face>>,
    ) -> Routes {
        self.on((Method::DELETE, MethodFilter::DELETE), path, rule, handler)
    }

    fn on<T: 'static>(
        mut self,
        (method, filter): (Method, MethodFilter),
        path: &str,
        rule: Rule,
        handler: impl Handler<T, Arc<Face>>,
    ) -> Routes {
        self.router = self.router.route(path, routing::on(filter, handler));
        self.table.push(Route { method, path: path.to_owned(), rule });
        self
    }

    /// With the routes of another part.
    pub(super) fn with(self, more: impl FnOnce(Routes) -> Routes) -> Routes {
        more(self)
    }
}
