using Microsoft.Data.Sqlite;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>Another process in the middle of a write: a gateway's store takes nothing until it is disposed.</summary>
internal sealed class StoreLock(SqliteConnection connection, SqliteTransaction held) : IAsyncDisposable
{
    public static async Task<StoreLock> TakeAsync(GatewayYard yard)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(yard.Folder, "store.db")};Pooling=False");
        await connection.OpenAsync();
        return new StoreLock(connection, connection.BeginTransaction());
    }

    public async ValueTask DisposeAsync()
    {
        await held.DisposeAsync();
        await connection.DisposeAsync();
    }
}
