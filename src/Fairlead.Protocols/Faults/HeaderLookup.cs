namespace Fairlead.Protocols.Faults;

/// <summary>Value of a response header by its lower-case name; null when it is absent.</summary>
public delegate string? HeaderLookup(string lowerCaseName);
