using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Fairlead.Storage.Sqlite;

/// <summary>The SQLite file: one connection that writes, several that read. WAL, synchronous FULL, foreign keys on.</summary>
/// <remarks>Writers in this process take turns; readers never wait for them. The library is the system's <c>libsqlite3.so.0</c>.</remarks>
public sealed class StoreDatabase : IDisposable
{
    private const int MostIdleReaders = 8;
    private static readonly Lazy<bool> Library = new(LoadLibrary);

    private readonly Lock _gate = new();
    private readonly SqliteConnection _writer;
    private readonly ConcurrentBag<SqliteConnection> _idleReaders = [];
    private readonly string _readerSource;
    private bool _disposed;

    private StoreDatabase(string path, SqliteConnection writer)
    {
        _writer = writer;
        _readerSource = Source(path, SqliteOpenMode.ReadOnly);
    }

    /// <summary>Opens or creates the file (mode 0600) and brings its schema up to date.</summary>
    /// <param name="path">Absolute path; the folder must exist.</param>
    /// <param name="busy">How long a statement waits while another process holds the file. Default 5 s.</param>
    /// <exception cref="StoreUnavailableException">Locked, unreadable, no database, or of a newer version.</exception>
    public static StoreDatabase Open(string path, TimeSpan? busy = null)
    {
        _ = Library.Value;
        if (!File.Exists(path))
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = DataFolder.SecretFileMode }).Dispose();
        var writer = new SqliteConnection(Source(path, SqliteOpenMode.ReadWrite));
        try
        {
            int seconds = (int)Math.Ceiling((busy ?? TimeSpan.FromSeconds(5)).TotalSeconds);
            writer.DefaultTimeout = seconds;
            writer.Open();
            writer.Run("PRAGMA journal_mode=WAL");
            writer.Run("PRAGMA synchronous=FULL");
            SchemaMigrations.Apply(writer);
            return new StoreDatabase(path, writer);
        }
        catch (SqliteException e)
        {
            writer.Dispose();
            throw new StoreUnavailableException($"{path} cannot be opened: {e.Message}", e);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Runs <paramref name="work"/> in one immediate transaction; commits when it returns, rolls back when it throws.</summary>
    /// <exception cref="StoreUnavailableException">The store is locked, full or failing; nothing was changed.</exception>
    internal T Write<T>(Func<SqliteConnection, T> work)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            try
            {
                return InTransaction(work);
            }
            catch (SqliteException e) when (StoreUnavailableException.IsMeantBy(e))
            {
                throw new StoreUnavailableException($"the store cannot be written: {e.Message}", e);
            }
        }
    }

    /// <remarks>
    /// Whether there is something to roll back, SQLite itself is asked: a commit that fails for want of room has rolled back already. The library's
    /// transaction object does not know that, fails at its own rollback, and no transaction can be begun on its connection ever again.
    /// </remarks>
    private T InTransaction<T>(Func<SqliteConnection, T> work)
    {
        _writer.Run("BEGIN IMMEDIATE");
        try
        {
            T result = work(_writer);
            _writer.Run("COMMIT");
            return result;
        }
        finally
        {
            if (raw.sqlite3_get_autocommit(_writer.Handle) == 0)
                _writer.Run("ROLLBACK");
        }
    }

    internal void Write(Action<SqliteConnection> work) => Write(connection =>
    {
        work(connection);
        return true;
    });

    /// <summary>Runs <paramref name="work"/> over one snapshot of the store.</summary>
    /// <exception cref="StoreUnavailableException">The store is locked or failing.</exception>
    internal T Read<T>(Func<SqliteConnection, T> work)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SqliteConnection? reader = null;
        try
        {
            if (!_idleReaders.TryTake(out reader))
            {
                reader = new SqliteConnection(_readerSource);
                reader.Open();
            }
            T result;
            using (SqliteTransaction snapshot = reader.BeginTransaction(deferred: true))
                result = work(reader);
            if (!_disposed && _idleReaders.Count < MostIdleReaders)
            {
                _idleReaders.Add(reader);
                reader = null;
            }
            return result;
        }
        catch (SqliteException e) when (StoreUnavailableException.IsMeantBy(e))
        {
            throw new StoreUnavailableException($"the store cannot be read: {e.Message}", e);
        }
        finally
        {
            reader?.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            while (_idleReaders.TryTake(out SqliteConnection? reader))
                reader.Dispose();
            _writer.Dispose();
        }
    }

    private static string Source(string path, SqliteOpenMode mode) => new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Mode = mode,
        Pooling = false,
        // The system's library has them off unless told.
        ForeignKeys = true,
        DefaultTimeout = 5,
    }.ToString();

    private static bool LoadLibrary()
    {
        NativeLibrary.SetDllImportResolver(
            typeof(SQLite3Provider_e_sqlite3).Assembly,
            static (name, _, _) => name == "e_sqlite3" ? NativeLibrary.Load("libsqlite3.so.0") : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return true;
    }
}
