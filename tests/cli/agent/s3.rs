//! A server that speaks S3 on loopback (moto's, a package of Python's), if this machine has one: agents that agree through its
//! buckets, conditional writes included.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{bivalent, exits, folder, out};

/// The command of the server; the environment may name another.
const SERVER: &str = "moto_server";

/// A server that ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the server, or says why there is none.
    fn start(folder: &Path) -> Option<Self> {
        let command = std::env::var("BIVALENT_S3_SERVER").unwrap_or_else(|_| SERVER.to_owned());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(&command)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!(
                "skipped: no {command} here; pip install 'moto[server,s3]', or name one in BIVALENT_S3_SERVER"
            );
            return None;
        };
        let server = Self { child, port };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{command} does not listen");
            sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    fn make_bucket(&self, name: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.port
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn agent(&self, folder: &Path, args: &[&str]) -> Output {
        let stores = ["s3://one/x", "s3://two/x", "s3://three/x"];
        let args = [
            &["agent", "propose", "--agents", "3", "--store"],
            &stores[..],
            args,
        ]
        .concat();
        self.with_keys(&mut bivalent(folder, &args))
            .output()
            .unwrap()
    }

    fn with_keys<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.port))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
    }
}

#[test]
fn buckets_decide_and_probe() {
    let here = folder();
    let Some(server) = Server::start(here.path()) else {
        return;
    };
    for bucket in ["one", "two", "three"] {
        server.make_bucket(bucket);
    }
    for protocol in ["disk-paxos", "records"] {
        for (id, value) in [("1", "blue"), ("0", "green"), ("1", "red")] {
            let named = [
                "--protocol",
                protocol,
                "--name",
                protocol,
                "--id",
                id,
                value,
            ];
            let said = server.agent(here.path(), &named);
            exits(&said, 0);
            assert_eq!(out(&said), "blue\n", "{protocol}");
        }
    }
    let args = [
        "probe",
        "s3://one/probe",
        "--operations",
        "20",
        "--format",
        "jsonl",
    ];
    let probed = server
        .with_keys(&mut bivalent(here.path(), &args))
        .output()
        .unwrap();
    exits(&probed, 0);
    let kinds = crate::objects(&probed);
    let replaced = kinds.iter().find(|kind| kind["kind"] == "replace").unwrap();
    assert_eq!(replaced["latency_ns"]["count"], 20, "{replaced}");
}
