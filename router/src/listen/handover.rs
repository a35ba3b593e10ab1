//! A restart without a refused connection: the running router gives its listeners to the new one.
//!
//! Over a Unix socket, as descriptors: both then accept from one queue, so that no connection is lost with
//! a queue that is closed, as it would be with two listeners on one port (`SO_REUSEPORT`).
//!
//! What must stay true: the running router goes on until the new one has said that it is ready; should that
//! one die before, nothing has happened.

use std::io::{Error, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// Goes with the descriptors.
const HERE_THEY_ARE: u8 = b'L';

/// What the new router says.
const READY: u8 = b'R';

/// Longest wait for the descriptors.
const GIVE_DEADLINE: Duration = Duration::from_secs(5);

/// A successor must be ready within this.
const READY_DEADLINE: Duration = Duration::from_mins(1);

/// Where a router listens.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// For clients.
    pub(crate) clients: TcpListener,
    /// For the admin pages.
    pub(crate) admin: TcpListener,
}

/// The router whose listeners these are; it serves until it is told that this one is ready.
#[derive(Debug)]
pub(crate) struct Predecessor(UnixStream);

impl Listeners {
    /// The same listeners once more.
    pub(crate) fn share(&self) -> Result<Self, Error> {
        let share = |listener: &TcpListener| listener_of(listener.as_fd().try_clone_to_owned()?);
        Ok(Self { clients: share(&self.clients)?, admin: share(&self.admin)? })
    }

    /// Their addresses.
    pub(crate) fn addresses(&self) -> Result<(SocketAddr, SocketAddr), Error> {
        Ok((self.clients.local_addr()?, self.admin.local_addr()?))
    }
}

impl Predecessor {
    /// Says that this router is ready: the other one drains.
    pub(crate) async fn dismiss(mut self) {
        if let Err(error) = self.0.write_all(&[READY]).await {
            tracing::warn!(error = %error, "The router before this one is gone already");
        }
    }
}

/// Asks the router at this socket for its listeners; none where there is no router.
pub(crate) async fn ask(socket: &Path) -> Result<Option<(Listeners, Predecessor)>, Error> {
    let Ok(stream) = UnixStream::connect(socket).await else { return Ok(None) };
    let receiving = stream.async_io(Interest::READABLE, || receive(&stream));
    let descriptors = tokio::time::timeout(GIVE_DEADLINE, receiving).await??;
    let [clients, admin] = <[OwnedFd; 2]>::try_from(descriptors)
        .map_err(|_| Error::other("the router before this one gave no listeners"))?;
    let listeners = Listeners { clients: listener_of(clients)?, admin: listener_of(admin)? };
    Ok(Some((listeners, Predecessor(stream))))
}

/// Gives the listeners to whoever comes, until one has said that it is ready.
pub(crate) async fn give(socket: &Path, listeners: &Listeners) -> Result<(), Error> {
    // Made beside its place and moved there: the predecessor's may still be in it.
    let made = socket.with_extension(format!("{}.new", std::process::id()));
    let door = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&made, socket)?;
    loop {
        let (stream, _) = door.accept().await?;
        match give_to(stream, listeners).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::warn!(error = %error, "A router that was to take over did not");
            }
        }
    }
}

async fn give_to(mut stream: UnixStream, listeners: &Listeners) -> Result<(), Error> {
    let sending = stream.async_io(Interest::WRITABLE, || send(&stream, listeners));
    tokio::time::timeout(GIVE_DEADLINE, sending).await??;
    let mut said = [0];
    tokio::time::timeout(READY_DEADLINE, stream.read_exact(&mut said)).await??;
    if said == [READY] { Ok(()) } else { Err(Error::other("it did not say that it is ready")) }
}

fn send(stream: &UnixStream, listeners: &Listeners) -> Result<(), Error> {
    let descriptors = [listeners.clients.as_fd(), listeners.admin.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(Error::other("no room for the descriptors"));
    }
    sendmsg(stream, &[IoSlice::new(&[HERE_THEY_ARE])], &mut control, SendFlags::empty())?;
    Ok(())
}

fn receive(stream: &UnixStream) -> Result<Vec<OwnedFd>, Error> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(given) = message {
            descriptors.extend(given);
        }
    }
    Ok(descriptors)
}

fn listener_of(descriptor: OwnedFd) -> Result<TcpListener, Error> {
    let listener = std::net::TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
