using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Rows of quantised activations times panels as they are packed, up to eight rows at a time, by vectors of 512 bits with the dot product of bytes (AVX512-VNNI).</summary>
/// <remarks>
/// Operations and their order are those of <see cref="PackedMatMul"/>. The dot product takes unsigned weights and signed activations: nibbles and what has five or six bits are used
/// as they are stored, and signed bytes are moved up by 128. A sum of products begins with what that is too much, negative: −128, −8 or −32 times the sum of the row's bytes. It is exact.
/// <para>The distances between rows and the number of groups stand in the code itself: a kernel is made for one width of matrix, and registers hold what changes.</para>
/// </remarks>
internal static unsafe class IntegerVectorKernel
{
    /// <summary>A sum of products and a sum of groups for each row leave half the vector registers to the rest.</summary>
    public const int MostRows = 8;

    private const int LineBytes = 64;
    private const int LinesOfBlock = 8;
    private const int InputsOfLine = 4;
    private const int BlockScaleBytes = QuantizedRows.BlockScales * sizeof(float);
    private const int BlockSums = QuantizedRows.TileRows * sizeof(float);

    /// <summary>Vector registers behind the sums, 0 to 7, and the products, 8 to 15.</summary>
    private const int FirstDot = 8, Weight = 16, UpperBits = 17, Scale = 18, Minimum = 19, LowerMask = 20, UpperMask = 21, FirstExcess = 22, ScaleOfScales = 24, ScaleOfMinimums = 25;

    private const int FifthBits = 1; // a mask register

    private static readonly ConcurrentDictionary<IntegerVectorShape, nint> s_kernels = [];

    /// <summary>The kernel for that shape.</summary>
    public static delegate* unmanaged<IntegerVectorTask*, void> For(IntegerVectorShape shape)
    {
        if (!s_kernels.TryGetValue(shape, out nint kernel))
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            kernel = (nint)CodeMemory.Place(Write(shape));
            if (kernel == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            kernel = s_kernels.GetOrAdd(shape, kernel);
        }

        return (delegate* unmanaged<IntegerVectorTask*, void>)kernel;
    }

    private static ReadOnlySpan<byte> Write(IntegerVectorShape shape)
    {
        const Register Task = Register.Rdi, Values = Register.Rsi, Inputs = Register.Rdx, Scales = Register.R8, InputScales = Register.R9, HalfSums = Register.R10,
            Count = Register.Rcx, Blocks = Register.R11, Work = Register.Rax,
            Ahead = Work; // between the constants and the outputs
        PackedFormat format = shape.Format;
        int rows = shape.Rows, inputStride = QuantizedRows.StrideOf(shape.Inputs), halfSumStride = shape.Inputs / 16 * sizeof(short);
        int valueBytes = (int)PackedLayout.ValueBytes(format, PackedLayout.GroupInputs);
        bool scalesAreHalves = format is PackedFormat.Eight or PackedFormat.Four, hasMinimums = PanelScales.HasMinimums(format);
        int groups = format == PackedFormat.Six ? 2 : 1;
        int excess = format switch { PackedFormat.Eight => 128, PackedFormat.Four => 8, PackedFormat.Six => 32, _ => 0 };

        // A form that scales its scales has them for 256 inputs together: halves first, then their factors.
        int headBytes = hasMinimums ? 2 * 32 : 32;
        int scaleBytes = scalesAreHalves ? 32 : groups * 16;
        int minimumsBehind = 8 * 16;

        var code = new X64Assembler();
        Constants();
        code.Load(Scales, Field(nameof(IntegerVectorTask.Panel)));
        int panel = code.Here;
        code.Copy(Ahead, Scales);
        code.Copy(Values, Scales);
        code.Add(Values, (int)PackedLayout.ScaleBytes(format, shape.Inputs));
        code.Load(Inputs, Field(nameof(IntegerVectorTask.Inputs)));
        code.Load(InputScales, Field(nameof(IntegerVectorTask.InputScales)));
        code.Load(HalfSums, Field(nameof(IntegerVectorTask.HalfSums)));
        for (int row = 0; row < rows; row++)
            code.ExclusiveOr(row, row, row);
        if (scalesAreHalves)
        {
            Loop(Count, shape.Inputs / PackedLayout.GroupInputs, Block);
        }
        else
        {
            Loop(Blocks, shape.Inputs / 256, () =>
            {
                code.LoadHalves(ScaleOfScales, new Place(Scales, 0));
                if (hasMinimums)
                    code.LoadHalves(ScaleOfMinimums, new Place(Scales, 32));
                code.Add(Scales, headBytes);
                Loop(Count, 256 / PackedLayout.GroupInputs, Block);
                if (hasMinimums)
                    code.Add(Scales, minimumsBehind);
            });
        }

        code.Load(Work, Field(nameof(IntegerVectorTask.Output)));
        code.Load(Count, Field(nameof(IntegerVectorTask.OutputStride)));
        for (int row = 0; row < rows; row++)
        {
            code.StoreVector(new Place(Work, 0), row);
            code.Add(Work, Count);
        }

        Change(nameof(IntegerVectorTask.Output), () => code.Add(Work, PackedLayout.PanelOutputs * sizeof(float)));
        code.Copy(Scales, Values);
        Change(nameof(IntegerVectorTask.Panels), () => code.Decrement(Work));
        code.JumpIfNotZero(panel);
        code.ZeroUpper();
        code.Return();
        return code.Code;

        static Place Field(string name) => new(Task, (int)Marshal.OffsetOf<IntegerVectorTask>(name));

        void Change(string field, Action change)
        {
            code.Load(Work, Field(field));
            change();
            code.Store(Field(field), Work);
        }

        void Loop(Register count, int times, Action turn)
        {
            code.Set(count, times);
            int again = code.Here;
            turn();
            code.Decrement(count);
            code.JumpIfNotZero(again);
        }

        void Constants()
        {
            Constant(LowerMask, format == PackedFormat.Eight ? unchecked((int)0x80808080) : 0x0f0f0f0f);
            if (format is PackedFormat.FiveWithMinimum or PackedFormat.Six)
                Constant(UpperMask, format == PackedFormat.Six ? 0x30303030 : 0x10101010);

            // Two words, for the two sums of a block. A group of 16 inputs has one of them only.
            for (int group = 0; group < groups && excess != 0; group++)
            {
                int first = group == 0 ? -excess & 0xffff : 0, second = group == groups - 1 ? -excess << 16 : 0;
                Constant(FirstExcess + group, first | second);
            }
        }

        void Constant(int vector, int value)
        {
            code.Set(Work, value);
            code.Broadcast(vector, Work);
        }

        // 32 inputs of every row.
        void Block()
        {
            for (int line = 0; line < WeightPrefetch.LinesOfGroup(format, shape.Inputs); line++)
                AskFor(new Place(Ahead, WeightPrefetch.Ahead + (line * LineBytes)));
            code.Add(Ahead, WeightPrefetch.BytesOfGroup(format, shape.Inputs));
            for (int group = 0; group < groups; group++)
            {
                Begin(group);
                for (int line = group * LinesOfBlock / groups; line < (group + 1) * LinesOfBlock / groups; line++)
                {
                    LoadWeights(line);
                    for (int row = 0; row < rows; row++)
                        code.DotBytesBroadcast(FirstDot + row, Weight, new Place(Inputs, (row * inputStride) + (line * InputsOfLine)));
                }

                LoadScales(group);
                AddGroup();
            }

            code.Add(Values, valueBytes);
            code.Add(Scales, scaleBytes);
            code.Add(Inputs, PackedLayout.GroupInputs);
            code.Add(InputScales, BlockScaleBytes);
            code.Add(HalfSums, 2 * sizeof(short));
        }

        void AskFor(Place line)
        {
            if (WeightPrefetch.IsForFirstLevel)
                code.PrefetchNearest(line);
            else
                code.Prefetch(line);
        }

        void Begin(int group)
        {
            for (int row = 0; row < rows; row++)
            {
                code.ExclusiveOr(FirstDot + row, FirstDot + row, FirstDot + row);
                if (excess != 0)
                    code.DotWordsBroadcast(FirstDot + row, FirstExcess + group, new Place(HalfSums, row * halfSumStride));
            }
        }

        // Four inputs of 16 outputs, as unsigned bytes.
        void LoadWeights(int line)
        {
            if (format == PackedFormat.Eight)
            {
                code.ExclusiveOr(Weight, LowerMask, new Place(Values, line * LineBytes));
                return;
            }

            if (line < LinesOfBlock / 2)
            {
                code.And(Weight, LowerMask, new Place(Values, line * LineBytes));
            }
            else
            {
                code.ShiftWordsRight(Weight, new Place(Values, (line - (LinesOfBlock / 2)) * LineBytes), 4);
                code.And(Weight, Weight, LowerMask);
            }

            const int UpperPart = 256;
            if (format == PackedFormat.FiveWithMinimum)
            {
                code.LoadMask(FifthBits, new Place(Values, UpperPart + (line * sizeof(ulong))));
                code.AddBytesWhere(FifthBits, Weight, Weight, UpperMask);
            }
            else if (format == PackedFormat.Six)
            {
                var pairs = new Place(Values, UpperPart + (line % 2 * LineBytes));
                switch (line / 2)
                {
                    case 0: code.ShiftWordsLeft(UpperBits, pairs, 4); break;
                    case 1: code.ShiftWordsLeft(UpperBits, pairs, 2); break;
                    case 2: code.LoadVector(UpperBits, pairs); break;
                    default: code.ShiftWordsRight(UpperBits, pairs, 2); break;
                }

                code.OrAnd(Weight, UpperBits, UpperMask);
            }
        }

        void LoadScales(int group)
        {
            if (scalesAreHalves)
            {
                code.LoadHalves(Scale, new Place(Scales, 0));
                return;
            }

            Factors(Scale, group * 16, ScaleOfScales);
            if (hasMinimums)
                Factors(Minimum, minimumsBehind, ScaleOfMinimums);
        }

        void Factors(int to, int at, int scale)
        {
            code.LoadBytes(to, new Place(Scales, at));
            code.ConvertToSingle(to, to);
            code.Multiply(to, to, scale);
        }

        void AddGroup()
        {
            for (int row = 0; row < rows; row++)
            {
                int dot = FirstDot + row, at = row * sizeof(float);
                code.ConvertToSingle(dot, dot);
                code.Multiply(dot, dot, Scale);
                code.MultiplyAddBroadcast(row, dot, new Place(InputScales, at));
                if (hasMinimums)
                    code.NegativeMultiplyAddBroadcast(row, Minimum, new Place(InputScales, BlockSums + at));
            }
        }
    }
}
