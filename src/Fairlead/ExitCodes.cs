using Fairlead.Api;

namespace Fairlead;

/// <summary>How every verb ends; scripts rely on these, so they never change.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int NotFound = 3;
    public const int Auth = 4;
    public const int Limit = 5;
    public const int Unavailable = 6;
    public const int Conflict = 7;
    public const int Partial = 8;
    public const int Configuration = 78;
    public const int Interrupted = 130;

    public static int Of(ApiException e) => Of(e.Status);

    public static int Of(int status) => status switch
    {
        0 or 502 or 503 or 504 => Unavailable,
        400 or 422 => Usage,
        401 or 403 => Auth,
        402 or 429 => Limit,
        404 or 410 => NotFound,
        409 => Conflict,
        _ => Failed,
    };
}
