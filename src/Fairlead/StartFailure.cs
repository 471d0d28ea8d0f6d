using System.Net;
using System.Net.Sockets;
using Fairlead.Gateway.Settings;
using Fairlead.Storage;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.AspNetCore.Connections;

namespace Fairlead;

/// <summary>Why a start did not succeed: what happened, and the fix.</summary>
internal sealed record StartFailure(int ExitCode, string Message)
{
    /// <summary>Null for what is a bug, which keeps its stack trace.</summary>
    public static StartFailure? Of(Exception e, GatewaySettings settings) => e switch
    {
        DataFolderException folder => new(folder.InUse ? ExitCodes.Conflict : ExitCodes.Configuration, folder.Message),
        { InnerException: AddressInUseException } or AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } =>
            new(ExitCodes.Conflict, $"Port {settings.Listen.Port} is used by {PortHolder.Find(settings.Listen.Port) ?? "another program"}. Fix: fairlead serve --listen {Next(settings.Listen)}"),
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            new(ExitCodes.Configuration, $"This user may not listen on port {settings.Listen.Port}. Fix: fairlead serve --listen {new IPEndPoint(settings.Listen.Address, 8080)}"),
        SocketException socket => new(ExitCodes.Configuration, $"Cannot listen on {settings.Listen}: {socket.Message}. Fix: choose an address of this machine with --listen ADDRESS:PORT."),
        StoreUnavailableException or JournalFormatException or JournalUnavailableException =>
            new(ExitCodes.Failed, $"The data folder {settings.DataFolder} cannot be used: {e.Message}. Fix: restore it from a backup, or start with another one: --data FOLDER"),
        UnauthorizedAccessException or IOException =>
            new(ExitCodes.Configuration, $"Cannot write to {settings.DataFolder}: {e.Message.TrimEnd('.')}. Fix: make it writable for user {Environment.UserName}, or choose another: --data FOLDER"),
        _ => null,
    };

    private static IPEndPoint Next(IPEndPoint taken) => new(taken.Address, taken.Port < 65_000 ? taken.Port + 8 : 8088);
}
