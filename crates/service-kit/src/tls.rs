//! One TLS stack for the process: rustls with ring.

/// Makes ring the provider of every TLS client and server of this process. Harmless when called again.
pub fn install_provider() {
    // An error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
