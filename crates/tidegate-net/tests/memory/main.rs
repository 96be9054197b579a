//! What an encrypted connection holds in memory while nothing goes over it. A process of its own,
//! as it looks at the memory of all of it.

#[path = "../tls/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests that use more of it")]
mod fixture;

use fixture::*;

/// What the process holds in memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    let kibibytes = line.split_whitespace().nth(1).expect("a number");
    kibibytes.parse::<usize>().expect("a number") * 1024
}

/// Both ends of each connection are in this process: two for one.
#[test]
fn an_idle_connection_holds_little_though_much_went_over_it() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&["localhost"])]));
        let client = client(client_setup(&authority));
        let bytes = vec![1; 100_000];
        let (mut buffer, mut idle) = (vec![0; 1 << 17], Vec::new());
        let mut before = 0;
        for number in 0..400 {
            let (mut one, mut other) =
                Pair::handshake(&server, &client, "localhost").await.streams();
            let reading = async {
                let mut count = 0;
                while count < bytes.len() {
                    count += read(&mut other, &mut buffer).await.expect("data");
                }
            };
            tokio::join!(write_all(&mut one, &bytes), reading);
            write_all(&mut other, b"thanks").await;
            assert_eq!(read(&mut one, &mut [0; 16]).await.expect("data"), 6);
            idle.push((one, other));
            if number == 99 {
                before = resident();
            }
        }
        let each = (resident() - before) / 300;
        assert!(each < 2 * 20 * 1024, "{each} bytes for both ends of a connection");
    });
}
