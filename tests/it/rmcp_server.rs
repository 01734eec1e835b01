//! A real MCP server that nobody here wrote: the official Rust SDK, both eras, in this process.

use std::sync::Arc;
use std::time::Duration;

use agentgauge::checks;
use agentgauge::facts::{Kind, Readings};
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::protocol::revision::Revision;
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::Profile;
use agentgauge::verdict::Status;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, ServerCapabilities, ServerConfig};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler, tool, tool_handler, tool_router};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Sum {
    /// First summand.
    a: i64,
    /// Second summand.
    b: i64,
}

#[derive(Clone)]
struct Calculator {
    #[allow(dead_code, reason = "the macro's router reads it")]
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Calculator {
    fn new() -> Self {
        Self { tool_router: Self::tool_router() }
    }

    #[tool(
        description = "Adds two integers and gives their sum",
        annotations(title = "Add", read_only_hint = true)
    )]
    async fn add(&self, Parameters(sum): Parameters<Sum>) -> Result<CallToolResult, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text((sum.a + sum.b).to_string())]))
    }
}

#[tool_handler]
impl ServerHandler for Calculator {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

/// Starts it with the guards it has; gives its URL.
async fn start(config: StreamableHttpServerConfig) -> String {
    let service = StreamableHttpService::new(
        || Ok(Calculator::new()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let app = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}/mcp")
}

/// What the SDK cannot pass, with the reason; everything else must be free of blame.
const KNOWN: [(&str, Status, &str); 3] = [
    ("rpc-malformed-codes", Status::Warn, "it answers 415 in plain text"),
    ("sh-media-types-parsed", Status::Warn, "it refuses `Accept: */*`, which no rule of MCP forbids"),
    ("legacy-resume", Status::Warn, "finished streams are not replayed"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_rust_sdk_is_judged_fairly_in_both_eras() {
    let config = StreamableHttpServerConfig::default()
        .enforce_origin_validation()
        .with_sse_keep_alive(Some(Duration::from_millis(2_200)));
    let url = start(config).await;
    let mut target = Target::parse(&url, Profile::Standard).unwrap();
    target.limits.idle_watch_ms = 6_000;
    let transcript = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    let readings = Readings::new(&transcript);
    let class = readings.classification();
    assert_eq!(class.kind, Kind::Dual);
    assert!(
        class.revisions.contains(&Revision::V2026_07_28) && class.revisions.contains(&Revision::V2025_11_25)
    );
    let mut judged = 0;
    for check in checks::all() {
        let finding = check.run(&readings);
        judged += usize::from(finding.status == Status::Pass);
        let blame = matches!(finding.status, Status::Warn | Status::Fail | Status::Error);
        let known = KNOWN.iter().any(|(id, status, _)| *id == check.id && *status == finding.status);
        assert!(!blame || known, "{} {}: {}", check.id, finding.status.as_str(), finding.message);
    }
    assert!(judged >= 24, "only {judged} checks passed");
}
