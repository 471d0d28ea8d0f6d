using Fairlead.Storage.Sqlite;
using Fairlead.Storage.Tests.Yard;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Tests.Sqlite;

public sealed class StoreDatabaseTests
{
    /// <summary>As it is when a commit finds the disk full: SQLite has rolled back by itself, and the commit fails.</summary>
    [Fact]
    public void A_commit_that_fails_after_sqlite_has_rolled_back_spoils_no_later_write()
    {
        using var folder = new TempFolder();
        using StoreDatabase store = StoreDatabase.Open(folder.In("store.db"));
        store.Write(static connection => connection.Run("CREATE TABLE numbers (n INTEGER)"));

        Assert.Throws<SqliteException>(() => store.Write(static connection =>
        {
            connection.Run("INSERT INTO numbers VALUES (1)");
            connection.Run("ROLLBACK");
        }));

        store.Write(static connection => connection.Run("INSERT INTO numbers VALUES (2)"));
        Assert.Equal(2, Sum(store));
    }

    [Fact]
    public void Work_that_throws_leaves_nothing_behind()
    {
        using var folder = new TempFolder();
        using StoreDatabase store = StoreDatabase.Open(folder.In("store.db"));
        store.Write(static connection => connection.Run("CREATE TABLE numbers (n INTEGER)"));

        Assert.Throws<InvalidOperationException>(() => store.Write(static connection =>
        {
            connection.Run("INSERT INTO numbers VALUES (1)");
            throw new InvalidOperationException("midway");
        }));

        store.Write(static connection => connection.Run("INSERT INTO numbers VALUES (2)"));
        Assert.Equal(2, Sum(store));
    }

    private static long Sum(StoreDatabase store) => store.Read(static connection =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT sum(n) FROM numbers";
        return (long)command.ExecuteScalar()!;
    });
}
